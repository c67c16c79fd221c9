"""The page docs/results-format.md, made from the definitions in the code."""

from collections.abc import Iterator

from unpoison.columns import COLUMNS, TABLES, Column
from unpoison.metrics import METRICS

HEAD = """# What the tables mean

<!-- Made by `python -m unpoison.runs.commands.dictionary > docs/results-format.md`; change the definitions in
     unpoison/columns/ and unpoison/metrics/, and the prose in unpoison/runs/dictionary.py. -->

Tables are Parquet files, except `answers` and `outputs`, which are structured arrays. Tables in `tables/` also have a
CSV copy. Paths are below the results folder.

`results`, `summary` and `paired` also have a column for each key that a study varies, such as `dataset.keep.cat`. It
holds the key's value, and null in studies that do not vary it. (`paired` has no such column for options of methods,
which are part of the methods' names.) `metrics.parquet` of each base model holds its cells: the columns `deletion` and
`method`, and those of `results` from `metric` on.

CSV files are UTF-8. A text that a spreadsheet would run as a formula gets an apostrophe in front. Such a text begins
with `=`, `+`, `-`, `@`, a tab or a line break, after any apostrophes of its own. Numbers are unchanged. An empty cell
is null; `NA` and `null` are texts. `unpoison.files.table_of_csv(content)` reads a CSV file's bytes back as they were
written. With pandas alone: `read_csv(path, keep_default_na=False, na_values=[""])`, then remove the apostrophe.
"""
NOTATION = """
## Metrics
f(x) is the class that the model predicts for image x, and y is its true class. t(x) is the image stamped with the
trigger of its class's attack, and a is the target class of the attack.

A metric over no rows is left out, such as the adversarial accuracy of a class that is not attacked. So an attack
without a trigger has no `adversarial_accuracy` and no `attack_success_rate`. The detector's two metrics, like `recall`,
`fdr`, `fpr` and `size`, belong to the deletion set and are repeated for each of its models. Deletion sets without a
detector lack these two metrics, and so do deletion sets of an unpoisoned set.
"""
ORIGIN = """
## Where a number comes from
Every artifact has a record next to it: `run.json`, or `<name>.run.json` where files of several jobs share a folder. It
holds:

- `step` and `identity`, and the whole `spec` (options, seed, digest of the code);
- `inputs` and `outputs` with their checksums (BLAKE2b, 128 bits);
- `stamps` of the outputs (size, times of change of content and of inode in nanoseconds, inode);
- `commit` and `dirty` (true if `unpoison/` or `workflow/` had uncommitted changes);
- `versions`, `device`, `threads`, `host` and `processor`;
- the step's cost, and the time when it `finished`.

A record is not part of its artifact, so a changed record reruns nothing. The spec of a source holds one digest of all
its files, `content`. The spec of a deletion set by a list of rows holds the digest of the list, `flagged`. This joins
the rows of `results.parquet` with their records:

```python
levels = ["dataset", "poison", "training", "seed", "deletion", "method"]
results.merge(provenance, on=levels)  # pandas: the record of the training or unlearning that made the model
```

If results mix commits or versions, or come from uncommitted changes, the end of a run and the report say so.
"""


def page() -> str:
    """Return the whole page, in Markdown."""
    return "\n".join([HEAD, *_tables(), NOTATION, *_metrics(), ORIGIN])


def _tables() -> Iterator[str]:
    for name, table in TABLES.items():
        yield f"\n## `{name}`\n{table.place}: one row for each {table.row}.\n"
        own = {key: column for key, column in table.columns.items() if not _is_told(name, key, column)}
        told = [any(part) for part in zip(*(column[2:] for column in own.values()), strict=True)]
        yield from _table(
            ("column", "type", "meaning", *_of(("unit", "formula", "source"), told)),
            ((f"`{key}`", *column[:2], *_of(column[2:], told)) for key, column in own.items()),
        )
        shared = [f"`{key}`" for key in table.columns if key not in own]
        if shared:
            yield f"\nAs in `results`: {', '.join(shared)}."


def _is_told(table: str, name: str, column: Column) -> bool:
    return table != "results" and COLUMNS.get(name) is column


def _metrics() -> Iterator[str]:
    better = {True: "higher", False: "lower", None: "neither"}
    yield from _table(
        ("metric", "unit", "better", "meaning", "formula", "source"),
        (
            (
                f"`{name}`",
                metric.unit,
                better[metric.higher_is_better],
                metric.meaning,
                metric.formula,
                metric.source,
            )
            for name, metric in METRICS.items()
        ),
    )


def _of(parts: tuple[str, ...], told: list[bool]) -> Iterator[str]:
    return (part for part, is_told in zip(parts, told, strict=True) if is_told)


def _table(head: tuple[str, ...], lines: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for line in lines:
        yield f"| {' | '.join(line)} |"
