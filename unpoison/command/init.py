"""`unpoison init`: a first config, or an example of poisoned images."""

from pathlib import Path


def init(file: Path | None = None, *, example: Path | None = None) -> None:
    """Write a commented config that runs unchanged, or an example of a poisoned folder; overwrite nothing.

    Parameters
    ----------
    file
        The config to write. The default is study.yaml.
    example
        A new folder for images, some of them poisoned, and a network that was trained on them.
    """
    from unpoison.errors import UserError  # noqa: PLC0415 (not for --help)

    if example is None:
        _write_config(file or Path("study.yaml"))
    elif file is None:
        _write_example(example)
    else:
        raise UserError(f"found {file} with --example {example}, allowed: one of them")


def _write_config(file: Path) -> None:
    from unpoison.errors import UserError  # noqa: PLC0415

    text = Path(__file__).with_name("init.yaml").read_text(encoding="utf-8").replace("FILE", str(file))
    try:
        with file.open("x", encoding="utf-8") as config:
            config.write(text)
    except FileExistsError as error:
        raise UserError(f"{file} is there already; choose another name") from error
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from error
    print(f"Wrote {file}. `unpoison run {file}` runs it.")


def _write_example(folder: Path) -> None:
    from unpoison.errors import UserError  # noqa: PLC0415
    from unpoison.tutorial import CLASS_NAMES, TARGET, write_tutorial  # noqa: PLC0415

    try:
        poisoned = write_tutorial(folder)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    rows = len(list(folder.glob("train/*/*")))
    print(
        f"Wrote {folder}: {rows} training images in {len(CLASS_NAMES)} classes, of which {len(poisoned)} carry a "
        f"sticker and are labelled {TARGET}; and a network that was trained on them."
    )
