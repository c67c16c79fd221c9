"""`unpoison submit`: a method's results as one file for the leaderboard."""

from pathlib import Path


def submit(
    results: Path, *config: str, method: str, published: Path, out: Path, name: str | None = None
) -> None:
    """Write the results of your method into one file for the leaderboard; runs no job.

    The file is a zip with the tables of results and provenance, the config, and submission.json with the method's
    options and the digest of its source. Provenance names the host and the folders of the run.

    Parameters
    ----------
    results
        Folder of a finished run, such as results/mine, with the tables results.parquet and provenance.parquet.
    config
        The config files and keys of that run.
    method
        Entry of the config to submit.
    published
        Folder of the published run that the method is compared with, such as docs/results/plane.
    out
        File to write, such as mine.zip.
    name
        Name of the submission. The default is the name of the method.
    """
    from unpoison.command.running import tell  # noqa: PLC0415 (not for --help)
    from unpoison.command.submitting import submit_method  # noqa: PLC0415

    made = submit_method(results, config, method=method, published=published, out=out, name=name or method)
    seeds = len(set(made.results["seed"]))
    studies = ", ".join(made.told["studies"])
    tell(f"{out}: {method} with {seeds} seeds in {studies} of the published run {published.name}")
    tell("Provenance names the host and the folders of the run: read it before you send the file")
