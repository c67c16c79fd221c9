"""Combine the scores of a scan's searches into the verdict, the lists of rows and the page."""

from pathlib import Path
from typing import Any

import numpy as np

from unpoison.answers import read_answers
from unpoison.contracts.deletion import NO_DELETION
from unpoison.contracts.judged import Judged
from unpoison.files import read_json, write_json, written_whole
from unpoison.jobs.inputs import check_inputs
from unpoison.report.scan_page import scan_page
from unpoison.rows import Rows, read_rows
from unpoison.scanning.finding import Finding, find, in_words, summary_of
from unpoison.scanning.lists import write_lists
from unpoison.scanning.page import Told, page_of
from unpoison.scores import read_scores


def main(snakemake: Any) -> None:
    """Write the lists, the page, and the verdict, which is last."""
    check_inputs(snakemake)
    given, spec, told = snakemake.input, snakemake.params.spec, snakemake.params.told
    rows = read_rows(given.rows[0])
    names = spec["detectors"]
    files = [given.scores[start : start + len(names)] for start in range(0, len(given.scores), len(names))]
    searches = [dict(zip(names, map(read_scores, part), strict=True)) for part in files]
    finding = find(rows.of("train"), searches, spec["check"])
    accuracy = _accuracy(rows, given.answers)
    folder = Path(snakemake.output.summary).parent
    write_lists(folder, finding)
    planted = _planted(given, names, spec["planted"])
    settings = {**told["settings"], **_reached(finding, accuracy), **_cost(given)}
    words = Told(
        told["data"],
        told["repair"],
        Path(snakemake.output.suspicious).absolute(),
        Path("decisions.csv").absolute(),  # in the folder of the command, outside of the results
        settings,
        planted,
    )
    page = scan_page(page_of(finding, np.load(given.images, mmap_mode="r"), words))
    with written_whole(snakemake.output.page) as temporary:
        temporary.write_text(page, encoding="utf-8")
    write_json(
        snakemake.output.summary, {**summary_of(finding), "clean_accuracy": accuracy, "planted": planted}
    )
    print(in_words(finding))


def _accuracy(rows: Rows, files: list[str]) -> float | None:
    """Return the mean clean accuracy of the suspicious models; None without test images."""
    if not (rows.split == "test").any():
        return None
    tests = [Judged(rows, read_answers(file), NO_DELETION).clean_test for file in files]
    return float(np.mean([np.mean(part.answers.predicted == part.rows.label) for part in tests]))


def _planted(given: Any, detectors: list[str], attacks: list[str]) -> dict[str, dict[str, float]]:
    """Return for each planted attack the share of its rows that each detector flags."""
    found: dict[str, dict[str, float]] = {}
    scores = iter(given.get("planted_scores") or ())
    for attack, file in zip(attacks, given.get("planted_rows") or (), strict=True):
        is_planted = read_rows(file).of("train").poisoned("a calibration")
        flagged = {name: read_scores(next(scores)).flagged for name in detectors}
        found[attack] = {
            name: float(mask[is_planted].mean()) for name, mask in flagged.items() if mask is not None
        }
    return found


def _reached(finding: Finding, accuracy: float | None) -> dict[str, str]:
    """Return the accuracy of the check's models on control rows, and the clean accuracy of the suspicious model.

    A control row is "predicted as labelled" if a model that never saw it predicts its given label.
    """
    share = finding.control_share
    reached = (
        {}
        if share is None
        else {"models of the check": f"predict {share:.1%} of the control rows as labelled"}
    )
    if accuracy is None:
        return reached
    return {**reached, "suspicious model": f"clean accuracy {accuracy:.1%} on the test images"}


def _cost(given: Any) -> dict[str, str]:
    """Return the compute of the scan."""
    seconds = sum(read_json(file)["seconds"] or 0.0 for file in given.runs)
    return {"compute": f"{seconds:.0f} seconds in all jobs"}
