"""The steps of a study on a data set, one file each. Notebooks and the jobs of the workflow call the same steps."""
