"""The jobs of the workflow: a file each, with a function `main`. The other files are parts that jobs share."""
