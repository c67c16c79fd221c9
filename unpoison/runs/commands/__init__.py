"""The programs that write pages of the documentation: `python -m unpoison.runs.commands.options config/README.md`."""
