"""The command `unpoison`, a file for each of its subcommands."""
