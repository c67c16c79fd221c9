"""All published results as one table, and its description in the Croissant format (MLCommons, version 1.0)."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from docs.leaderboard.board import published, runs, typed
from unpoison.columns import COLUMNS

FOLDER = Path(__file__).parent
TABLE, DESCRIPTION = FOLDER / "results.parquet", FOLDER / "croissant.json"
ROOT = FOLDER.parents[1]
ADDRESS = "https://github.com/owner/unpoison"
KINDS = {"string": "sc:Text", "int64": "sc:Integer", "float64": "sc:Float", "boolean": "sc:Boolean"}
TERMS = (  # all terms of the format's standard context
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes isLiveDataset "
    "jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator source "
    "subField transform"
)
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in TERMS.split()},
}


def whole() -> pd.DataFrame:
    """Return the results of all runs that have a results table, with the name of the run as first column."""
    tables = {run: typed(published(run)) for run in runs()}
    keys = sorted({name for table in tables.values() for name in table if name not in COLUMNS})
    columns = [*COLUMNS, *keys]
    table = pd.concat([table.reindex(columns=columns).assign(run=run) for run, table in tables.items()])
    table = table.astype({"run": "string", **{name: column.dtype for name, column in COLUMNS.items()}})
    table[keys] = table[keys].convert_dtypes()
    return table[["run", *columns]].reset_index(drop=True)


def write() -> None:
    """Write table and description. A table with unchanged rows keeps its bytes, and so its checksum."""
    table = whole()
    if not TABLE.exists() or not pd.read_parquet(TABLE).equals(table):
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(arrow, TABLE, compression="zstd", compression_level=19)
    DESCRIPTION.write_text(json.dumps(description(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def description() -> dict[str, Any]:
    """Return the description of the written table."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    content = TABLE.read_bytes()
    file = {
        "@type": "cr:FileObject",
        "@id": TABLE.name,
        "name": TABLE.name,
        "description": "All measurements, one per row.",
        "contentUrl": TABLE.name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256(content).hexdigest(),
    }
    records = {
        "@type": "cr:RecordSet",
        "@id": "results",
        "name": "results",
        "description": "One record per measurement: a metric of a model, of one class or of all.",
        "field": list(_fields()),
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": "unpoison-results",
        "description": "Measurements of unlearning methods on poisoned image data sets: attack success, accuracy and "
        "cost of each repaired model, by seed.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://spdx.org/licenses/MIT.html",
        "url": ADDRESS,
        "version": cited["version"],
        "creator": {"@type": "sc:Organization", "name": cited["authors"][0]["name"]},
        "citeAs": f"{cited['authors'][0]['name']}. {cited['title']}. Version {cited['version']}. {ADDRESS}",
        "keywords": cited["keywords"],
        "distribution": [file],
        "recordSet": [records],
    }


def _fields() -> Iterator[dict[str, Any]]:
    """Yield a field for each column of the written table."""
    for column in pq.read_schema(TABLE):
        yield {
            "@type": "cr:Field",
            "@id": f"results/{column.name}",
            "name": column.name,
            "description": _meaning(column.name),
            "dataType": _kind(column),
            "source": {"fileObject": {"@id": TABLE.name}, "extract": {"column": column.name}},
        }


def _meaning(name: str) -> str:
    """Return the meaning of a column, with its unit and formula."""
    if name == "run":
        return "name of the published run: its folder in docs/results"
    if name not in COLUMNS:
        return f"value of the config key {name}, where the study varies it; null elsewhere"
    about = COLUMNS[name]
    told = (f"unit: {about.unit}" if about.unit else "", about.formula)
    return "; ".join([about.meaning, *filter(None, told)])


def _kind(column: pa.Field) -> str:
    """Return the type of a column: from `unpoison.columns`, or from the file for other columns."""
    if column.name in COLUMNS:
        return KINDS[COLUMNS[column.name].dtype.lower()]
    tests = (
        (pa.types.is_floating, "float64"),
        (pa.types.is_integer, "int64"),
        (pa.types.is_boolean, "boolean"),
    )
    return KINDS[next((name for test, name in tests if test(column.type)), "string")]
