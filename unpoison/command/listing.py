"""`unpoison list`: the choices in a config."""


def listing(kind: str | None = None) -> None:
    """List methods, detectors, poisons, models, metrics and more, with their options.

    Parameters
    ----------
    kind
        One of methods, detectors, poisons, models, sources, probes, figures and metrics. Without it: all names.
    """
    from unpoison.runs.listing import choices, kinds  # noqa: PLC0415 (not for --help)

    for line in choices(kind) if kind else kinds():
        print(line)
