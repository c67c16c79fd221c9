"""The user's paths, as Snakemake interprets them."""

from pathlib import Path


def is_literal(path: str | Path) -> bool:
    """Return whether Snakemake takes a path as written: it expands `{name}` and `<name>`, which cannot be escaped."""
    return not any(mark in str(path) for mark in "{<")
