"""Watching and steering a run: what is done, what is left, what it takes, and how it ends."""
