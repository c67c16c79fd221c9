"""Choose the rows of a data set, set validation rows aside and poison the training rows, or leave them as found."""

from unpoison.jobs.start import run

run("poison_dataset", snakemake)
