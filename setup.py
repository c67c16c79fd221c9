"""The build step that puts the workflow and its profiles into the wheel; pyproject.toml has everything else."""

from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# The repository keeps workflow/ at its top, where the workflow catalog and snakedeploy look for it.
# Rules name the environment as "../../envs", as in the repository.
CARRIED = {
    "workflow": "unpoison/workflow",
    "profiles": "unpoison/workflow/profiles",
    "envs/unpoison.yaml": "unpoison/envs/unpoison.yaml",
}
KINDS = {"", ".smk", ".py", ".rst", ".yaml"}  # "" is the Snakefile


def carried() -> Iterator[tuple[str, str]]:
    """Every file of the workflow, with its place in the wheel."""
    for source, place in CARRIED.items():
        for path in sorted(Path(source).rglob("*")) or [Path(source)]:
            if path.is_file() and path.suffix in KINDS:
                yield path.as_posix(), Path(place, path.relative_to(source)).as_posix()


class BuildWithWorkflow(build_py):
    """The build of the package, with the workflow copied in. An editable install uses the checkout's own files."""

    def run(self) -> None:
        """Build the package, then copy the workflow."""
        super().run()
        if not self.editable_mode:
            for source, place in carried():
                target = Path(self.build_lib, place)
                target.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(source, str(target), preserve_mode=False)

    def get_source_files(self) -> list[str]:
        """Return what an sdist holds, so that a wheel built from one has the workflow too."""
        return [*super().get_source_files(), *(source for source, _ in carried())]


setup(cmdclass={"build_py": BuildWithWorkflow})
