"""What stands in, in `benchmarks/sweep.py`, for the scripts that run a network: it writes what they write, at once."""
