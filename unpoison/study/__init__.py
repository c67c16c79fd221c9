"""From a config to the table of what is to be made: no tensors, no torch, nothing run."""
