"""The inputs and outputs of plug-ins, one file each. Users write plug-ins against these records."""
