"""The submission of a method's results: `unpoison submit`."""

import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from unpoison.command.reproducing import words_of
from unpoison.errors import UserError, one_of
from unpoison.files import read_table
from unpoison.levels import MODEL, REFERENCES
from unpoison.runs.pooling import FILES, Block, check_columns, check_options, check_planned
from unpoison.runs.read import config_of, plan_of
from unpoison.runs.submission import FORMAT, Submission, write_submission
from unpoison.runs.submission_checks import check_submission
from unpoison.unlearning import METHODS


def submit_method(
    results: Path, words: Sequence[str], *, method: str, published: Path, out: Path, name: str
) -> Submission:
    """Write the submission of a method, and return it.

    Args:
        results: a finished run's folder. words: its config files and keys. published: the published run's folder.

    Raises:
        UserError: if the tables do not match the config, or the leaderboard would refuse the file.
    """
    plan = plan_of(words)
    tables = [read_table(results / "tables" / file) for file in FILES]
    block = Block(results.name, *tables)
    check_columns(block)
    check_planned(plan, block)
    check_options(plan, block)
    studies = sorted(set(block.results.loc[block.results["method"] == method, "study"]))
    if not studies:
        raise one_of("method in the results", method, set(block.results["method"]) - {*REFERENCES})
    if out.suffix != ".zip":
        raise UserError(f"--out: found {out}, allowed: a file whose name ends in .zip")
    kept = block.results[
        block.results["study"].isin(studies) & block.results["method"].isin([method, *REFERENCES])
    ]
    asked = plan.methods[method]
    told = {
        "format": FORMAT,
        "name": name,
        "published": published.name,
        "studies": studies,
        "method": method,
        "plug_in": asked.kind,
        "options": dict(asked.options),
        "source_sha256": sha256(METHODS.path(asked.kind).read_bytes()).hexdigest(),
        "unpoison": sys.modules["unpoison"].__version__,
    }
    records = block.records
    for level in MODEL:  # some records lack a level: a data set has no training
        records = records[records[level].isna() | records[level].isin(set(kept[level].dropna()))]
    made = Submission(told, config_of(words), kept, records)
    data = f"data_folder={plan.settings.data_folder}"
    check_submission(made, published, lambda: plan_of([*words_of(published), data]))
    write_submission(out, made)
    return made
