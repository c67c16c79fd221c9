"""`unpoison verify`: the held-out check of a method, without writing a repaired model."""

from pathlib import Path

from unpoison.command.flagged import read_flagged


def verify(
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
    seed: int = 0,
    folds: int = 5,
    device: str = "auto",
    cores: int | None = None,
    verbose: bool = False,
) -> int:
    """Estimate the attack success after a repair, without ground truth.

    Each fold of the flagged rows is left out of one repair, and the repaired model is tested on it. `repair` with the
    same arguments makes the same check and continues from it.

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
    seed
        Random seed.
    folds
        Number of folds of the flagged rows.
    device
        Device of the networks: auto, cpu or cuda.
    cores
        The number of cores that all jobs use together. The default is all cores.
    verbose
        Show Snakemake's own output.
    """
    from unpoison.command.checks import check_flagged, check_network  # noqa: PLC0415 (not for --help)
    from unpoison.command.given import entries_of  # noqa: PLC0415
    from unpoison.command.outputs import run_in  # noqa: PLC0415
    from unpoison.command.repairing import check_place, entries_of_repair, method_of, verified_file  # noqa: PLC0415

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
    )
    check_flagged(entries, rows, seed=seed, folds=folds)
    check_network(entries)
    asked = entries_of_repair(chosen, rows, out, seed=seed, folds=folds)
    target = verified_file(seed)
    if not run_in(out, {**entries, **asked}, [str(target)], cores=cores, verbose=verbose):
        return 1
    from unpoison.contracts.verification import in_words, read_verification  # noqa: PLC0415

    found = read_verification(out / target)
    print(f"By {chosen.name}: {in_words(found)}")
    print(
        f"Still predicted as labelled: {found.predicted_as_labelled:.0%} of the held-out flagged rows; of them about "
        f"{found.false_alarms:.0%} are false alarms."
    )
    return 0
