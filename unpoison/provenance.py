"""Provenance of artifacts: the run record of each, and the checksums that link it to its inputs."""

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
CODE = ("unpoison", "workflow")  # folders that a result depends on; the config is in the record's spec
PACKAGES = ("torch", "numpy", "pyarrow", "safetensors", "pillow", "snakemake")
MAPPINGS = ("identity", "spec", "inputs", "outputs", "stamps", "versions")  # keys of every record
# Keys of a spec that an artifact shares with the jobs that read it.
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
    """Return the run record of a job, ready for JSON: its spec, inputs, outputs, machine and cost.

    Args:
        spec: the job's options, seed and digest of its code; step, identity: these name the job.
        inputs, outputs: files whose checksums are recorded.
        cost: the step's own measurements, such as seconds (wall), image_passes and weights_changed.
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
    """Return the checksum in a file's record without reading the file; without a record, that of its content."""
    record = record_of(path)
    return checksum(path) if record is None else _outputs(record)[str(path)]


def stamp(path: str | Path) -> list[int]:
    """Return the size, times and inode of a file. A file with the same stamp has the same content.

    The change time of the inode cannot be set back, so it reveals a file that was replaced by an older one.
    """
    found = Path(path).stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def record_of(path: str | Path) -> Path | None:
    """Return the record that lists a file as an output: `run.json` in its folder (`metrics.run.json` for metrics).

    None for a file that no workflow job wrote.
    """
    return next((record for record in _candidates(Path(path)) if str(path) in _outputs(record)), None)


def read_record(path: str | Path) -> dict[str, Any] | None:
    """Return a record, or None for a file that fails its checksum or is not a record. The file stays in place.

    If the results folder has moved since, the returned record names the files at their present paths.
    """
    told = intact_json(path)
    if not isinstance(told, dict) or not isinstance(told.get("step"), str):
        return None
    told.setdefault("stamps", {})  # older records have none
    return (
        _here(told, Path(path).parent) if all(isinstance(told.get(name), dict) for name in MAPPINGS) else None
    )


def options_digest(spec: Mapping[str, Any]) -> str:
    """Return a digest of a job's options: of its spec without the seed and the code."""
    options = {key: value for key, value in spec.items() if key not in ("seed", "code")}
    return digest(json.dumps(options, sort_keys=True))


def check_artifacts(
    paths: Iterable[str], spec: Mapping[str, Any], planned: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Refuse artifacts that do not match the job, before the job computes anything.

    The record of each artifact must be intact, must belong to this place in the results folder, and must hold the
    checksum of the file. Artifacts must agree with the job on the poisoned data, the network, the trigger and the
    recipe, and with each other on their inputs. A job renames a refused artifact to `.corrupt`, so that the next run
    rebuilds it.

    Args:
        spec: that of the job.
        planned: the specs in the present config of the steps that make inputs; their code may differ.

    Raises:
        UserError: for the first artifact that does not match.
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
    # All outputs in the inputs' records are included: that of a base model's answers has its weights' checksum.
    there = {file: digest for told, _ in found.values() for file, digest in told["outputs"].items()}
    for path, (told, _) in found.items():
        for source, read in told["inputs"].items():
            if there.get(source, read) != read:
                fault = f"was made from another {source} than the present one"
                raise DamagedError(Path(path), fault=fault)


def _record_for(path: Path) -> tuple[dict[str, Any], str]:
    """Return the record of an artifact, and the checksum of the artifact in it."""
    record = next(iter(_candidates(path)), None)
    if record is None:
        raise DamagedError(path, fault="has no record (run.json) in its folder")
    told = read_record(record)
    if told is None:
        fault = f"has a damaged record: {record} fails its checksum, or is of another version"
        raise DamagedError(path, fault=fault, record=record)
    digest = told["outputs"].get(str(path))
    if digest is None:
        others = ", ".join(told["outputs"]) or "nothing"
        raise DamagedError(path, fault=f"is not named by its record: {record} names {others}")
    try:
        is_same = told["stamps"].get(str(path)) == stamp(path) or checksum(path) == digest
    except FileNotFoundError as error:
        raise DamagedError(path, fault="was found damaged by another job") from error
    if not is_same:
        fault = f"is damaged: its checksum is not that in {record}; it was changed, or copied from elsewhere"
        raise DamagedError(path, fault=fault)
    return told, digest


def _here(told: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a record with the present paths of its files, for a results folder that has moved."""
    then = Path(next(iter(told["outputs"]), "")).parent.parts
    named = told["identity"]
    if "source" in named:
        top = ("sources", named["source"])
    else:
        top = (named.get("dataset"), f"seed{named['seed']}" if "seed" in named else "tuned")
    # Two folders are compared, since one above the results may be named like the data set.
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
    """Return the records that may belong to a file, its own first."""
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

    An installed package is not a checkout: a git repository around it belongs to another project.
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
