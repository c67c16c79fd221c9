"""One long table from the metrics of all models."""

from _inputs import check_inputs
from _log import begin
from unpoison.files import read_columns, write_table
from unpoison.results import collect

begin(snakemake.log[0])
check_inputs(snakemake)
spec = snakemake.params.spec
results = collect(
    (read_columns(path) for path in snakemake.input.metrics),
    spec["studies"],
    spec["varied"],
    spec["detectors"],
    spec["attacks"],
)
write_table(snakemake.output.table, results)
write_table(snakemake.output.csv, results)
print(f"{len(results)} measurements of {len(set(snakemake.input.metrics))} models")
