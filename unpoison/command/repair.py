"""`unpoison repair`: repair a model from a list of flagged rows, with a check of the result."""

from pathlib import Path
from typing import Any

from unpoison.command.flagged import read_flagged

SHOWN = {
    "clean_accuracy": "clean accuracy",
    "given_label_agreement": "agreement with the given labels",
    "attack_success_rate": "attack success on triggered images",
    "flagged_predicted_as_labelled": "flagged rows predicted as labelled",
}


def repair(
    data: str,
    *,
    flagged: str,
    out: Path,
    method: str = "auto",
    options: str | None = None,
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
    triggered: str | None = None,
    target: str | None = None,
    seed: int = 0,
    folds: int = 5,
    device: str = "auto",
    cores: int | None = None,
    verbose: bool = False,
) -> int:
    """Repair a model from a list of flagged rows, and check without ground truth whether it worked.

    The folder gets report.html, repaired.safetensors (weights under the network's own keys), clean.csv (the rows to
    train on) and repair.json (before and after, cost and check). An interrupted run continues.

    Parameters
    ----------
    data
        The training set: an image folder, Parquet files, a CSV of path and label, or hf:NAME.
    flagged
        CSV with a column path or row_id. With a column action, the rows marked remove.
    out
        Folder for the results.
    method
        An unlearning method; auto chooses the one that measured tables advise.
    options
        Options of the method, as JSON.
    model
        Your network, FILE.py:CLASS, or the name of a shipped one. The default is resnet9 of width 16.
    arguments
        Arguments of the class, or options of the shipped network, as JSON.
    weights
        Weights of the model to repair. Without them a model is trained.
    mean
        Mean of each channel, such as 0.49,0.48,0.45.
    deviation
        Deviation of each channel.
    features
        Name of the layer whose input is the features. The default is the last linear layer.
    image_size
        Width and height in pixels.
    resize
        Method of resizing images of other sizes: stretch, pad or crop.
    interpolation
        Interpolation of resized images: bicubic, bilinear, nearest or lanczos.
    test
        Clean images with right labels, to measure accuracy on.
    trusted
        Images that are known to be clean.
    triggered
        Test images that carry the attacker's trigger.
    target
        The class that the attack wants for triggered images.
    seed
        Random seed.
    folds
        Number of folds of the flagged rows; each fold is left out of one repair and tested on it.
    device
        Device of the networks: auto, cpu or cuda.
    cores
        The number of cores that all jobs use together. The default is all cores.
    verbose
        Show Snakemake's own output.
    """
    from unpoison.command.checks import check_flagged, check_network  # noqa: PLC0415 (not for --help)
    from unpoison.command.given import entries_of  # noqa: PLC0415
    from unpoison.command.outputs import copy_made, run_in  # noqa: PLC0415
    from unpoison.command.repairing import MADE, NAME, check_place, entries_of_repair, method_of  # noqa: PLC0415

    check_place(out, data, flagged)
    rows, chosen = read_flagged(flagged), method_of(method, options)
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
        device=device,
        test=test,
        trusted=trusted,
        triggered=triggered,
        target=target,
    )
    check_flagged(entries, rows, seed=seed, folds=folds)
    check_network(entries)
    asked = entries_of_repair(chosen, rows, out, seed=seed, folds=folds)
    if not run_in(out, {**entries, **asked}, ["repairs"], cores=cores, verbose=verbose):
        return 1
    for line in told(copy_made(out, Path("repairs") / NAME, MADE), out):
        print(line)
    return 0


def told(summary: dict[str, Any], out: Path) -> list[str]:
    """Return the changes by a repair, as lines for the terminal."""
    from unpoison.contracts.verification import from_values, in_words  # noqa: PLC0415
    from unpoison.text import as_table  # noqa: PLC0415

    lines = [
        (words, _percent(summary["before"][name]), _percent(summary["after"][name]))
        for name, words in SHOWN.items()
        if summary["before"][name] is not None
    ]
    method = f"Repaired by {summary['method']}, {summary['flagged']} of {summary['rows']} rows flagged."
    lost = summary["lost_most"]
    costs = [] if lost is None else [_of_class(lost)]
    return [
        method if not summary["why"] else f"{method} {summary['why']}",
        as_table(("", "before", "after"), lines),
        *costs,
        in_words(from_values(summary["verify"])),
        f"Repaired weights: {out / 'repaired.safetensors'}; rows to train on: {out / 'clean.csv'}",
        f"Look at the repair in a browser: {out / 'report.html'}",
    ]


def _of_class(lost: dict[str, Any]) -> str:
    return f"The class {lost['class']} lost most clean accuracy: {100 * lost['share']:.1f} points."


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
