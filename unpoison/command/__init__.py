"""The `unpoison` command: one module for each subcommand; no module imports torch before its subcommand runs."""
