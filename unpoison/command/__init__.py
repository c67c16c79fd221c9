"""The `unpoison` command: one module for each subcommand; none imports torch before it runs."""
