"""Paths of the user's as Snakemake takes them."""

from pathlib import Path


def is_literal(path: str | Path) -> bool:
    """Whether Snakemake takes a path as it is written: it expands `{name}` and `<name>`, and nothing escapes them."""
    return not any(mark in str(path) for mark in "{<")
