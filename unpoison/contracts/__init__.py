"""The inputs and outputs of plug-ins, a file each: users write plug-ins against these."""
