"""Where every model comes from: the records of all jobs as one table."""

from _log import begin
from unpoison.files import write_table
from unpoison.tracing import doubts, trace

begin(snakemake.log[0])
records = trace(snakemake.input.runs)
write_table(snakemake.output.table, records)
write_table(snakemake.output.csv, records)
print(f"{len(records)} records", *doubts(records), sep="\n")
