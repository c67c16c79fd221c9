"""A scan's results from detector scores: its verdict in words, its lists and the content of its page."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unpoison.contracts.scores import Scores
from unpoison.left_out import ACCUSED, CONTROL, KEPT
from unpoison.report.scan_page import scan_page
from unpoison.rows import Rows, clean_rows
from unpoison.scanning.finding import Finding, find, in_words, summary_of
from unpoison.scanning.lists import suspicious_rows, write_lists
from unpoison.scanning.page import Told, page_of
from unpoison.text import from_cell

PER_CLASS, SUSPECTED, CONTROLS = 100, 20, 40
NAMES = ("bird", "cat", "dog")
HOSTILE = ["=1+1.png", 'a,"b".png', "line\nbreak.png", "<script>alert(1)</script>.png", "ä\u202e.png"]


def rows(row_ids: list[str] | None = None) -> Rows:
    count = PER_CLASS * len(NAMES)
    ids = [f"train/{number}.png" for number in range(count)]
    ids[: len(row_ids or ())] = row_ids or ()
    labels = np.repeat(np.arange(len(NAMES)), PER_CLASS)
    return clean_rows(ids, ["train"] * count, labels, NAMES)


def search_of(
    train: Rows, *, tampered: tuple[str, ...] = (), told: tuple[str, ...] = ()
) -> dict[str, Scores]:
    """Return scores of a search in which the first rows of some classes form a group.

    Args:
        tampered: classes whose group is predicted as another class; told: as the given label.
    """
    label, count = train.given_label, len(train)
    place = np.arange(count) % PER_CLASS
    role = np.where(place < SUSPECTED, ACCUSED, np.where(place < SUSPECTED + CONTROLS, CONTROL, KEPT))
    of_group = np.isin(label, [NAMES.index(name) for name in (*tampered, *told)]) & (place < SUSPECTED)
    is_tampered = np.isin(label, [NAMES.index(name) for name in tampered]) & (place < SUSPECTED)
    reads = np.where(is_tampered | (role == CONTROL) & (place % 10 == 0), (label + 1) % len(NAMES), label)
    chance = np.where(of_group, 0.9 - 0.01 * place, 0.0)
    chance[is_tampered & (place == SUSPECTED - 1)] = 0.4  # a row at the edge of the group
    details = {
        "role": role,
        "reads": reads,
        "confidence": np.full(count, 0.8),
        "learned": np.ones(count, np.int64),
        "alike": chance,
        "apart": np.where(np.isin(label, label[of_group]), 8.0, 2.0),
    }
    values = np.where(is_tampered, chance, chance / 3)
    other = np.random.default_rng(0).random(count)
    return {
        "left_out": Scores(values, np.zeros(0), is_tampered & (chance > 0.5), details),
        "spectral_signatures": Scores(other, np.zeros(0), is_tampered | (other > 0.95)),
    }


def found(row_ids: list[str] | None = None, searches: int = 2, **told: tuple[str, ...]) -> Finding:
    train = rows(row_ids)
    return find(train, [search_of(train, **told) for _ in range(searches)], "left_out")


def test_rows_of_a_tampered_class_are_removed_and_those_at_the_edge_looked_at() -> None:
    finding = found(tampered=("cat",))
    assert finding.verdict == "poisoned"
    assert [each.judgement for each in finding.classes] == ["clear", "tampered", "clear"]
    cats = np.arange(PER_CLASS, PER_CLASS + SUSPECTED)
    assert np.flatnonzero(finding.action == "remove").tolist() == cats[:-1].tolist()
    assert np.flatnonzero(finding.action == "look").tolist() == [cats[-1]]


def test_the_verdict_names_the_classes_the_rows_and_both_shares() -> None:
    assert in_words(found(tampered=("cat",))) == (
        "The class cat looks tampered with: 19 of 300 rows. Models that never saw the suspected rows predict the given "
        "label for 0% of them, and for 90% of other rows of the same class."
    )
    assert in_words(found(tampered=("cat", "bird"))).startswith(
        "The classes bird and cat look tampered with: 38 of 300 rows."
    )
    assert in_words(found(tampered=NAMES)).startswith("The classes bird, cat and dog look")


def test_without_a_group_there_is_no_evidence_and_nothing_to_do() -> None:
    finding = found()
    assert finding.verdict == "no_evidence" and not finding.tampered
    assert in_words(finding).startswith("No evidence of poisoning: none of the 3 classes")
    assert (finding.action == "").all()
    assert not len(suspicious_rows(finding))


def test_a_striking_group_that_is_predicted_as_labelled_is_no_verdict_but_is_to_be_looked_at() -> None:
    finding = found(told=("dog",))
    assert finding.verdict == "no_evidence"
    assert in_words(finding).endswith("The check cannot tell for dog.")
    assert set(finding.action) == {"", "look"}
    assert (finding.train.given_label[finding.action == "look"] == NAMES.index("dog")).all()
    assert not finding.is_unsuspected[finding.train.given_label == NAMES.index("dog")].any()


def test_one_search_that_speaks_for_the_class_withholds_the_verdict() -> None:
    train = rows()
    searches = [search_of(train, tampered=("cat",)), search_of(train, told=("cat",))]
    assert find(train, searches, "left_out").verdict == "no_evidence"


def test_the_summary_counts_what_the_lists_hold() -> None:
    finding = found(tampered=("cat",))
    summary = summary_of(finding)
    assert {name: summary[name] for name in ("verdict", "rows", "classes", "suspicious", "to_look_at")} == {
        **{"verdict": "poisoned", "rows": 300, "classes": ["cat"], "suspicious": 19, "to_look_at": 1},
    }
    flagged = finding.accusations[1].flagged
    assert summary["false_alarm_rates"]["spectral_signatures"] == pytest.approx(
        np.mean([*flagged[:PER_CLASS], *flagged[2 * PER_CLASS :]])
    )
    assert summary["false_alarm_rates"]["left_out"] == 0
    assert summary["check"]["cat"]["accused"] == 2 * SUSPECTED  # summed over two searches
    assert summary["check"]["cat"]["ratio"][0] < 0.1 < summary["check"]["dog"]["ratio"][0]


def test_no_rate_of_false_alarms_is_told_where_no_class_is_clear() -> None:
    assert set(summary_of(found(tampered=NAMES))["false_alarm_rates"].values()) == {None}


def test_the_list_has_rows_to_remove_first_with_votes_and_ranks() -> None:
    table = suspicious_rows(found(tampered=("cat",)))
    assert list(table)[:6] == ["path", "given_label", "score", "votes", "action", "read_as"]
    assert table["action"].tolist() == ["remove"] * 19 + ["look"]
    assert table["score"].tolist() == sorted(table["score"], reverse=True)
    assert table["path"][0] == f"train/{PER_CLASS}.png"
    assert table["votes"][0] == "left_out spectral_signatures"
    assert table["rank_left_out"].tolist()[:3] == [1, 2, 3]
    assert set(table["read_as"]) == {"dog"}


def test_the_lists_split_the_rows_and_survive_hostile_names(tmp_path: Path) -> None:
    finding = found(HOSTILE, tampered=("bird",))
    write_lists(tmp_path, finding)
    read = {}
    for name in ("suspicious", "clean", "removed"):
        with (tmp_path / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            read[name] = [from_cell(line["path"]) for line in csv.DictReader(file)]
    assert set(HOSTILE) <= set(read["removed"]) <= set(read["suspicious"])
    assert sorted(read["clean"] + read["removed"]) == sorted(finding.train.row_id.tolist())
    raw = (tmp_path / "removed.csv").read_text(encoding="utf-8")
    assert "\n=1+1.png" not in raw  # a spreadsheet would evaluate it


def told() -> Told:
    lists = Path("/scanned/suspicious.csv"), Path("/scanned/decisions.csv")
    return Told("photos", "unpoison repair photos --out repaired", *lists, {"Network": "SmallNet"})


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (PER_CLASS * len(NAMES), 8, 8, 3), np.uint8)


def test_the_page_has_the_proof_the_rows_and_the_next_command() -> None:
    content = page_of(found(HOSTILE, tampered=("bird",)), images(), told())
    bird = content.classes[0]
    assert (bird.judgement, bird.suspected) == ("tampered", SUSPECTED)
    assert bird.suspected_read.value == 0 and bird.control_read.value == pytest.approx(0.9)
    assert [row.action for row in content.suspicious] == ["remove"] * 19 + ["look"]
    assert all(row.image and row.read_as == "cat" for row in content.suspicious)
    assert all("--flagged" in command for _, command in content.next_steps)
    assert [[*line] for line in content.agreement] == np.array(content.agreement).T.tolist()
    assert content.agreement[0][0] == content.detectors[0].accused
    page = scan_page(content)
    assert "<script>alert" not in page


def test_typical_images_are_rows_that_nobody_accuses() -> None:
    finding = found(tampered=("bird",))
    stored = np.zeros((len(finding.train), 8, 8, 3), np.uint8)
    stored[finding.action != ""] = 255
    content = page_of(finding, stored, told())
    dark = page_of(finding, np.zeros_like(stored), told())
    assert content.classes[0].typical == dark.classes[0].typical


@pytest.mark.parametrize(("false_alarms", "is_marked"), [(20, False), (21, True)])
def test_a_detector_with_more_than_a_tenth_of_false_alarms_is_marked(
    false_alarms: int, is_marked: bool
) -> None:
    finding = found(tampered=("cat",))
    flagged = np.zeros(len(finding.train), dtype=bool)
    clear = np.flatnonzero(finding.is_unsuspected)
    assert len(clear) == 200
    flagged[clear[:false_alarms]] = True
    other = replace(finding.accusations[1], flagged=flagged)
    content = page_of(replace(finding, accusations=(finding.accusations[0], other)), images(), told())
    assert [each.is_unreliable for each in content.detectors] == [False, is_marked]
    assert ("more than 10\N{NO-BREAK SPACE}% false alarms" in scan_page(content)) == is_marked


def test_a_page_without_evidence_has_no_next_step() -> None:
    content = page_of(found(), images(), told())
    assert (content.verdict, content.suspicious, content.next_steps) == ("no_evidence", (), ())
