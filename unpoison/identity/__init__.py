"""What a job is: its options, its code and the content of the user's files, as plain values that Snakemake compares."""
