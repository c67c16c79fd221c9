"""The config, resolved into the plan of everything to make: no tensors, no torch, nothing is run."""
