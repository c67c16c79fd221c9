"""Differences of every two methods over the seeds, with intervals and tests."""

from _log import begin
from unpoison.files import read_table, write_table
from unpoison.statistics import paired

begin(snakemake.log[0])
differences = paired(read_table(snakemake.input.table))
write_table(snakemake.output.table, differences)
write_table(snakemake.output.csv, differences)
