"""The figures of a benchmark as a table for the terminal."""

from typing import Any


def table(figures: dict[str, Any]) -> str:
    """Return one line for each figure: median, lowest and highest round."""
    lines = [("figure", "median", "lowest", "highest"), *rows(figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join(f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the name and numbers of each figure."""
    lines = []
    for width, found in figures["throughput_vs_plain"].items():
        lines.append(row(f"images a second over the plain loop's, width {width}", found))
    for width, found in figures["fraction_of_peak"].items():
        lines.append(row(f"FLOP/s over the best matrix product's, width {width}", found))
    lines.append(row("core seconds of a study over its jobs' own", figures["orchestration_overhead"]))
    for width, found in figures["training_peak_mb"].items():
        lines.append(row(f"MB of a training job, width {width}", found, digits=0))
        lines.append(row("  over a bare `import torch`", found["ratio_to_import_torch"]))
    for kind, sizes in figures["dag"].items():
        for jobs, found in sizes.items():
            name = f"{kind.replace('_', ' ')}, {int(jobs):,} jobs"
            lines.append((f"{name}: {found['seconds']:.1f} s, {found['megabytes']:.0f} MB", "", "", ""))
            lines += [
                row(f"  {unit} over a bare workflow's", ratio) for unit, ratio in found["ratio"].items()
            ]
    return lines


def row(name: str, found: dict[str, Any], digits: int = 2) -> tuple[str, str, str, str]:
    """Return the line of one figure."""
    median, lowest, highest = (f"{found[key]:.{digits}f}" for key in ("median", "min", "max"))
    return name, median, lowest, highest
