"""Choose the rows of a data set, set validation rows aside and poison the training rows."""

from _inputs import check_inputs
from _log import begin
from _record import write_record
from unpoison.attacks import plant
from unpoison.poisons import POISONS
from unpoison.rows import choose_rows, read_rows, write_rows

begin(snakemake.log[0])
check_inputs(snakemake)
spec = snakemake.params.spec
rows = choose_rows(read_rows(snakemake.input.rows), spec["seed"], **spec["dataset"])
poisoned = plant(POISONS[spec["poison"]], rows, spec["seed"], spec["image_size"], spec["options"])
write_rows(snakemake.output.rows, poisoned)
write_record(snakemake)
print(f"{int(poisoned.is_poisoned.sum())} of {len(rows.of('train'))} training rows poisoned")
