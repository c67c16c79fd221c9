"""The paths of the workflow's own files, in a checkout or inside the installed wheel."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def workflow_file() -> Path:
    """Return the absolute path of the workflow's Snakefile, for `snakemake --snakefile`."""
    return _found("workflow/Snakefile")


def profile_folder(name: str = "default") -> Path:
    """Return the absolute path of a shipped profile, for `snakemake --workflow-profile` and `--profile`."""
    return _found(f"profiles/{name}")


def _found(path: str) -> Path:
    carried = PACKAGE / "workflow"
    if carried.is_dir():
        return carried / path.removeprefix("workflow/")
    return PACKAGE.parent / path
