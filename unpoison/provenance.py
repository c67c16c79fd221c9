"""What made an artifact: the record written beside it, and the checksums that tie it to what it was made from."""

import json
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unpoison.damage import DamagedError
from unpoison.digests import checksum, digest
from unpoison.files import intact_json, require_intact
from unpoison.machine import processor

ROOT = Path(__file__).parents[1]
CODE = ("unpoison", "workflow")  # what a result depends on; the config stands in the record's spec
PACKAGES = ("torch", "numpy", "pyarrow", "safetensors", "pillow", "snakemake")
MAPPINGS = ("identity", "spec", "inputs", "outputs", "stamps", "versions")  # of every record
# Keys of a spec that an artifact has in common with the jobs that read it.
SHARED = ("data", "model", "trigger", "recipe")


def run_record(
    spec: Mapping[str, Any],
    *,
    step: str,
    identity: Mapping[str, Any],
    inputs: Iterable[str],
    outputs: Iterable[str],
    device: str,
    threads: int,
    **cost: int | float,
) -> dict[str, Any]:
    """What one job was told, read, wrote, ran on and took, ready for JSON.

    Args:
        spec: the job's options, seed and digest of its code; step, identity: which job it is.
        inputs, outputs: files, of which the checksums are taken.
        cost: what the step measures of itself, such as seconds (wall), image_passes and weights_changed.
    """
    return {
        "step": step,
        "identity": dict(identity),
        "spec": spec,
        **cost,
        "device": device,
        "threads": threads,
        "inputs": {path: recorded_checksum(path) for path in inputs},
        "outputs": {path: checksum(path) for path in outputs},
        "stamps": {path: stamp(path) for path in outputs},
        **checkout(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "host": platform.node(),
        "processor": processor(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def recorded_checksum(path: str | Path) -> str:
    """The checksum that a file's record holds, without reading the file; that of its content where it has no record."""
    record = record_of(path)
    return checksum(path) if record is None else _outputs(record)[str(path)]


def stamp(path: str | Path) -> list[int]:
    """Size, times and inode of a file. A file that has them unchanged has its content unchanged.

    The time of the last change of the inode cannot be set back: it tells of a file that is replaced by an older one.
    """
    found = Path(path).stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def record_of(path: str | Path) -> Path | None:
    """The record that names a file among its outputs: `run.json` beside it (`metrics.run.json` of `metrics.parquet`).

    None for a file that no job of ours wrote.
    """
    return next((record for record in _candidates(Path(path)) if str(path) in _outputs(record)), None)


def read_record(path: str | Path) -> dict[str, Any] | None:
    """A record, or None for a file that fails its checksum or is no record. The file stays where it is.

    Where the results folder has moved since, the record tells of the files where they are now.
    """
    told = intact_json(path)
    if not isinstance(told, dict) or not isinstance(told.get("step"), str):
        return None
    told.setdefault("stamps", {})  # older records have none
    return (
        _here(told, Path(path).parent) if all(isinstance(told.get(name), dict) for name in MAPPINGS) else None
    )


def options_digest(spec: Mapping[str, Any]) -> str:
    """A digest of the options that a job was given: of its spec, without the seed and the code."""
    options = {key: value for key, value in spec.items() if key not in ("seed", "code")}
    return digest(json.dumps(options, sort_keys=True))


def check_artifacts(
    paths: Iterable[str], spec: Mapping[str, Any], planned: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Refuse artifacts that are not the ones that a job asks for, before it computes anything.

    The record beside each artifact must be intact, must be of this place in the results folder, and must hold the
    checksum of the file. Artifacts must agree with the job on the poisoned data, the network, the trigger and the
    recipe, and with each other on what they were made from. A job renames what is refused `.corrupt`, so that the next
    run makes it anew.

    Args:
        spec: that of the job.
        planned: for steps that make inputs, the specs that the config has for them today; their code may differ.

    Raises:
        UserError: for the first artifact that is another.
    """
    found = {path: _record_for(require_intact(path)) for path in paths}
    asked = json.loads(json.dumps({key: spec[key] for key in SHARED if key in spec}))
    for path, (told, _) in found.items():
        made_by = dict(told["spec"])
        if told["step"] == "poison_dataset":
            made_by["data"] = options_digest(told["spec"])
        expected = {**asked, **json.loads(json.dumps((planned or {}).get(told["step"], {})))}
        for key in sorted(expected.keys() & made_by.keys() - {"code"}):
            if made_by[key] != expected[key]:
                fault = f"was made by another config: its {key} is not the one of this run"
                raise DamagedError(Path(path), fault=fault)
    # Also files that are no input of this job: answers of a base model vouch for its weights.
    there = {file: digest for told, _ in found.values() for file, digest in told["outputs"].items()}
    for path, (told, _) in found.items():
        for source, read in told["inputs"].items():
            if there.get(source, read) != read:
                fault = f"was made from another {source} than the one that is there now"
                raise DamagedError(Path(path), fault=fault)


def _record_for(path: Path) -> tuple[dict[str, Any], str]:
    """The record that vouches for an artifact, and the checksum that it holds of it."""
    record = next(iter(_candidates(path)), None)
    if record is None:
        raise DamagedError(path, fault="has no record (run.json) beside it")
    told = read_record(record)
    if told is None:
        fault = f"has a damaged record: {record} fails its checksum, or is of another version"
        raise DamagedError(path, fault=fault, record=record)
    digest = told["outputs"].get(str(path))
    if digest is None:
        others = ", ".join(told["outputs"]) or "nothing"
        raise DamagedError(path, fault=f"is not what its record tells of: {record} is that of {others}")
    try:
        is_same = told["stamps"].get(str(path)) == stamp(path) or checksum(path) == digest
    except FileNotFoundError as error:
        raise DamagedError(path, fault="was found damaged by another job") from error
    if not is_same:
        fault = f"is damaged: its checksum is not that in {record}; it was changed, or copied from elsewhere"
        raise DamagedError(path, fault=fault)
    return told, digest


def _here(told: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a record of this folder with the names that its files have since the results folder moved."""
    then = Path(next(iter(told["outputs"]), "")).parent.parts
    named = told["identity"]
    if "source" in named:
        top = ("sources", named["source"])
    else:
        top = (named.get("dataset"), f"seed{named['seed']}" if "seed" in named else "tuned")
    # Two folders: one above the results may be named like the data set.
    start = next((place for place in range(len(then)) if then[place : place + 2] == top), len(then))
    below, now = then[start:], folder.parts
    if not below or now[-len(below) :] != below or now == then:
        return told

    def name_of(file: str) -> str:
        parts = Path(file).parts
        return str(Path(*now[: -len(below)], *parts[start:])) if parts[:start] == then[:start] else file

    renamed: dict[str, Any] = {
        key: {name_of(file): value for file, value in told[key].items()}
        for key in ("inputs", "outputs", "stamps")
        if key in told
    }
    return {**told, **renamed}


def _candidates(path: Path) -> Iterator[Path]:
    """The records that may be a file's, its own first."""
    named = (path.with_name(f"{path.stem}.run.json"), path.with_name("run.json"))
    return (record for record in named if record.is_file())


def _outputs(record: Path) -> Mapping[str, str]:
    """Return the outputs that a record names with their checksums; nothing for a foreign file."""
    try:
        return dict(_here(json.loads(record.read_bytes()), record.parent)["outputs"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def checkout() -> dict[str, Any]:
    """Return the commit of the code and whether its files differ from it (`dirty`); both None outside a checkout.

    An installed package is no checkout: a git repository around it is of another project.
    """
    if not all((ROOT / folder).is_dir() for folder in CODE):
        return {"commit": None, "dirty": None}
    command = ["git", "status", "--porcelain=v2", "--branch", "--", *CODE]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}
    lines = done.stdout.splitlines()
    commit = next(line.split()[-1] for line in lines if line.startswith("# branch.oid"))
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}
