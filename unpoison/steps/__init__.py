"""The steps of a study on a data set, a file each: notebooks and the jobs of the workflow call the same."""
