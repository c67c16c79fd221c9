"""The `unpoison` command, called as `python -m unpoison`."""

from unpoison.command.main import main

if __name__ == "__main__":
    main()
