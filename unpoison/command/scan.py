"""`unpoison scan`: find the rows of a training set that look poisoned, with evidence, lists and a page."""

from pathlib import Path
from typing import Any, Literal

NAME = "scan"  # of the entry of `scans`
CHECK = "left_out"
MADE = ("report.html", "suspicious.csv", "clean.csv", "removed.csv", "scan.json")
QUICK = (CHECK, "activation_clustering", "spectral_signatures")
TRUSTED = ("scan", "strip")  # detectors that need trusted images
# The attacks of --planted, and the share of the rows that each poisons.
PLANTED: dict[str, dict[str, Any]] = {
    "planted_patch": {"poison": "patch", "size": 4},
    "planted_noise": {"poison": "blend", "pattern": "noise"},
    "planted_warp": {"poison": "warp"},
    "planted_rings": {"poison": "blend", "pattern": "rings"},
}
SHARE = 0.02
SEARCHES = {"quick": 1, "normal": 2, "thorough": 4}
FOUND = 3  # exit code


def scan(
    data: str,
    *,
    out: Path,
    model: str | None = None,
    arguments: str | None = None,
    weights: str | None = None,
    mean: str | None = None,
    deviation: str | None = None,
    features: str | None = None,
    image_size: int | None = None,
    resize: str = "stretch",
    interpolation: str = "bicubic",
    test: str | None = None,
    trusted: str | None = None,
    detectors: str | None = None,
    budget: Literal["quick", "normal", "thorough"] = "normal",
    planted: bool = False,
    fail: Literal["poisoned", "never"] = "poisoned",
    device: str = "auto",
    cores: int | None = None,
    verbose: bool = False,
) -> int:
    """Search a training set for poisoned rows, without ground truth. The exit code is 3 if classes look tampered with.

    The folder gets report.html, suspicious.csv (rows to remove or to look at), clean.csv and removed.csv (rows to
    train on and the others), and scan.json. An interrupted run continues.

    Parameters
    ----------
    data
        The training set: an image folder, Parquet files, a CSV of path and label, hf:NAME, or an .npz file.
    out
        Folder for the results.
    model
        Your network, FILE.py:CLASS, or the name of a shipped one. The default is resnet9 of width 16.
    arguments
        Arguments of the class, or options of the shipped network, as JSON.
    weights
        Weights of the model that was trained on the data. Without them models are trained.
    mean
        Mean of each channel, such as 0.49,0.48,0.45.
    deviation
        Deviation of each channel.
    features
        Name of the layer whose input detectors use. The default is the last linear layer.
    image_size
        Width and height in pixels.
    resize
        Method of resizing images of other sizes: stretch, pad or crop.
    interpolation
        Interpolation of resized images: bicubic, bilinear, nearest or lanczos.
    test
        Clean images with right labels, to measure accuracy on.
    trusted
        Images that are known to be clean, for detectors that need them.
    detectors
        Names of detectors with commas, in addition to the left-out check, which decides.
    budget
        Number of searches, each with its own models: quick 1, normal 2, thorough 4.
    planted
        Also plant four attacks on rows that are not suspected, and measure how well the detectors find them.
    fail
        When the exit code is 3: if the data look poisoned, or never.
    device
        Device of the networks: auto, cpu or cuda.
    cores
        The number of cores that all jobs use together. The default is all cores.
    verbose
        Show Snakemake's own output.
    """
    from unpoison.command.checks import check_network  # noqa: PLC0415 (not for --help)
    from unpoison.command.given import entries_of  # noqa: PLC0415
    from unpoison.command.outputs import check_out, copy_made, run_in  # noqa: PLC0415

    check_out(out, MADE, data)
    entries = entries_of(
        data,
        model=model,
        arguments=arguments,
        weights=weights,
        mean=mean,
        deviation=deviation,
        features=features,
        image_size=image_size,
        resize=resize,
        interpolation=interpolation,
        test=test,
        trusted=trusted,
        device=device,
    )
    chosen = _detectors_of(detectors, has_trusted=trusted is not None)
    check_network(entries)
    asked = _entries(chosen, SEARCHES[budget])
    if planted:
        asked = with_planted(entries, asked)
    if not run_in(out, {**entries, **asked}, ["scans"], cores=cores, verbose=verbose):
        return 1
    summary = copy_made(out, Path("scans") / NAME, MADE)
    for line in told(summary, out):
        print(line)
    return FOUND if summary["verdict"] == "poisoned" and fail == "poisoned" else 0


def told(summary: dict[str, Any], out: Path) -> list[str]:
    """Return the findings of a scan, as lines for the terminal."""
    lines = [summary["sentence"]]
    if summary["suspicious"] or summary["to_look_at"]:
        lines.append(
            f"{summary['suspicious']} rows to remove and {summary['to_look_at']} to look at: {out / 'suspicious.csv'}"
        )
    rates = ", ".join(
        f"{name} {rate:.1%}" for name, rate in summary["false_alarm_rates"].items() if rate is not None
    )
    if rates:
        lines.append(f"False alarms in the classes that look clean: {rates}")
    return [*lines, f"Look at the rows in a browser: {out / 'report.html'}"]


def _detectors_of(text: str | None, *, has_trusted: bool) -> list[str]:
    """Return the names of the detectors, the left-out check first.

    Raises:
        UserError: for an unknown detector.
    """
    from unpoison.detectors import DETECTORS  # noqa: PLC0415
    from unpoison.errors import one_of  # noqa: PLC0415

    if text is None:
        return [*QUICK, *(TRUSTED if has_trusted else ())]
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in DETECTORS:
            raise one_of("detector", name, list(DETECTORS))
    return [CHECK, *dict.fromkeys(name for name in names if name != CHECK)]


def _entries(detectors: list[str], searches: int) -> dict[str, Any]:
    from unpoison.command.given import DATASET, POISON, TRAINING  # noqa: PLC0415 (numpy, and not for --help)

    return {
        "detectors": {name: {} for name in detectors},
        "scans": {
            NAME: {
                **{"dataset": DATASET, "poison": POISON, "training": TRAINING},
                **{"detectors": detectors, "seeds": searches},
            }
        },
    }


def with_planted(entries: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of a scan that also plants attacks, from all classes to the largest, on unsuspected rows."""
    from unpoison.datasets import peek_source  # noqa: PLC0415
    from unpoison.study.sections import given_options  # noqa: PLC0415

    source = entries["sources"]["data"]
    counts = peek_source(source["source"], Path(), given_options("source", source)).counts
    target = max(counts, key=lambda name: counts[name])
    count = max(1, round(SHARE * sum(counts.values())))
    shared = {
        "target": target,
        "victims": [name for name in counts if name != target],
        "count": count,
        "avoid": NAME,
    }
    training = {key: value for key, value in entries["trainings"]["model"].items() if key != "weights"}
    if isinstance(training["model"], dict):
        training["model"] = {key: value for key, value in training["model"].items() if key != "weights"}
    return {
        **asked,
        "poisons": {**entries["poisons"], **{name: {**entry, **shared} for name, entry in PLANTED.items()}},
        "trainings": {**entries["trainings"], "calibration": training},
        "scans": {
            NAME: {**asked["scans"][NAME], "planted": {"poisons": list(PLANTED), "training": "calibration"}}
        },
    }
