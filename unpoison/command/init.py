"""`unpoison init`: a first config."""

from pathlib import Path


def init(file: Path = Path("study.yaml")) -> None:
    """Write a config with comments that runs as it is; never overwrite a file.

    Parameters
    ----------
    file
        The config to write.
    """
    from unpoison.errors import UserError  # noqa: PLC0415 (not for --help)

    text = Path(__file__).with_name("init.yaml").read_text(encoding="utf-8").replace("FILE", str(file))
    try:
        with file.open("x", encoding="utf-8") as config:
            config.write(text)
    except FileExistsError as error:
        raise UserError(f"{file} is there already; choose another name") from error
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from error
    print(f"Wrote {file}. `unpoison run {file}` runs it.")
