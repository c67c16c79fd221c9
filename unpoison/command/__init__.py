"""The command `unpoison`: one module a subcommand."""
