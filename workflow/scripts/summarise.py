"""Means and intervals over seeds."""

from _log import begin
from unpoison.files import read_table, write_table
from unpoison.statistics import summarise

begin(snakemake.log[0])
summary = summarise(read_table(snakemake.input.table))
write_table(snakemake.output.table, summary)
write_table(snakemake.output.csv, summary)
