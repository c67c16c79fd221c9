"""What plug-ins are given and what they hand back: a file each, for users to write plug-ins against."""
