"""Means and intervals over seeds, and which reference models trained."""

from _log import begin
from unpoison.files import read_table, write_table
from unpoison.references import trained_references
from unpoison.statistics import summarise

begin(snakemake.log[0])
results = read_table(snakemake.input.table)
for name, table in (("summary", summarise(results)), ("references", trained_references(results))):
    write_table(snakemake.output[name], table)
    write_table(snakemake.output[f"{name}_csv"], table)
