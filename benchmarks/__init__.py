"""The costs of unpoison, as ratios measured in one run: `make bench`."""
