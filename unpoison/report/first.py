"""The first screen of the report on a study: its question, answer, chart, next steps and flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unpoison.attack_kinds import UNPLANTED, WITHOUT_ORACLE
from unpoison.report.answers import answer_of
from unpoison.report.cells import cells_of
from unpoison.report.decided import decided
from unpoison.report.flags import flags
from unpoison.report.measured import measured_answer
from unpoison.report.planned import contrast_findings
from unpoison.report.shares import Chart, accuracy_chart, chart_of
from unpoison.report.words import Answer, Finding, key_label, listed


@dataclass(frozen=True)
class FirstScreen:
    """The content of the first screen.

    question: of the config, or generated from the varied keys; flags: sentences on models without an outcome, and on
    broken ones; planned: sentences on the planned contrasts (those with too few seeds for a test are shown among the
    findings instead); decided: sentences on the rounds of an adaptive study.
    """

    question: str
    answer: Answer
    chart: Chart | None
    flags: tuple[str, ...]
    planned: tuple[Finding, ...]
    decided: tuple[str, ...]


def first_screen(
    name: str,
    study: Mapping[str, Any],
    named: Mapping[str, pd.DataFrame],
    results: pd.DataFrame,
    references: pd.DataFrame,
) -> FirstScreen:
    """Return the first screen of a study.

    Args:
        name: the study's name.
        study: its settings, as the planner describes them.
        named: the tables of the results folder; recall_thresholds may be among them.
        results, references: the rows of the study in the tables of these names.
    """
    of_study = {key: table[table["study"] == name] for key, table in named.items() if "study" in table}
    cells = cells_of(of_study["healed"], study["deletions"])
    if cells:
        answer = answer_of(cells, of_study.get("recall_thresholds", pd.DataFrame()), results)
        chart: Chart | None = chart_of(cells)
    else:
        parts = (of_study[key] for key in ("paired", "detectors", "outcomes"))
        answer = measured_answer(study["attack"], *parts)
        chart = accuracy_chart(of_study["summary"])
    judged = of_study["outcomes"]
    if study["attack"] in WITHOUT_ORACLE:  # such a study has no outcomes by design, so they are not flagged
        judged = judged.iloc[:0]
    told = tuple(flags(judged, references))
    contrasts = of_study.get("contrasts", pd.DataFrame())
    planned = contrast_findings(contrasts, study.get("contrasts", {}))
    question = study["question"] or question_of(study)
    rounds = tuple(decided(of_study.get("decisions", pd.DataFrame())))
    return FirstScreen(question, answer, chart, told, tuple(planned), rounds)


def question_of(study: Mapping[str, Any]) -> str:
    """Return a question for a study without one in its config, generated from its varied keys."""
    methods = [entry["name"] for entry in study["entries"] if entry["what"] == "method"]
    what = "does each method cost" if study["attack"] in UNPLANTED else "does each method repair the model"
    if not methods:
        return "What does each detector find, and what does it accuse?"
    keys = [key_label(key) for key, values in study["vary"].items() if len(values) > 1]
    along = f", over {listed(keys)}" if keys else ""
    return f"What {what}{along}?" if study["attack"] in UNPLANTED else f"How often {what}{along}?"
