"""The identity of jobs: options, code and the content of users' files, as plain values that Snakemake compares."""
