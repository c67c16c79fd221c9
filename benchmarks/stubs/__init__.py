"""Stubs for the jobs that run a network, used by `benchmarks/sweep.py`: they write the same files immediately."""
