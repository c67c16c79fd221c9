"""From a scan's list to a repaired model and its page, on a small drawn set and a company's own network."""

import json
from pathlib import Path

import pandas as pd
from company import make_set
from company_net import CompanyNet, train_company_net
from safetensors.torch import load_file

from unpoison.command.main import run
from unpoison.files import write_table
from unpoison.runs.disk import files_by_kind
from unpoison.runs.read import plan_of
from unpoison.runs.status import status
from unpoison.runs.where import where

ROWS, TARGET = 300, "washer"


def test_a_model_is_repaired_from_the_list_of_a_scan_and_told_of_on_a_page(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_set(tmp_path / "data", rows=ROWS, test_rows=60, classes=3, rate=0.1, size=16)
    assert made.targets == (TARGET,)
    network = {"batch_norm": False, "width": 8}
    train_company_net(made.folder, made.class_names, Path("net.safetensors"), size=16, epochs=6, **network)
    # The format of `unpoison.scanning.lists`. Rows that are only to be inspected are not unlearned.
    columns = {
        "path": made.poisoned,
        "given_label": TARGET,
        "score": 0.9,
        "votes": "left_out",
        "action": "remove",
    }
    listed = pd.DataFrame(columns)
    listed.loc[0, "action"] = "look"
    write_table("suspicious.csv", listed)
    asked = [
        *("repair", "data", "--flagged", "suspicious.csv", "--out", "repaired", "--folds", "2"),
        *("--method", "finetune", "--options", '{"length": 0.1}', "--cores", "2", "--image-size", "16"),
        *("--model", f"{Path(__file__).parents[1] / 'company_net.py'}:CompanyNet"),
        *("--arguments", json.dumps({"classes": 3, **network}), "--weights", "net.safetensors"),
        *("--mean", "0.5,0.5,0.5", "--deviation", "0.25,0.25,0.25"),
        *("--triggered", "data/triggered", "--target", TARGET),
    ]
    assert run(asked) == 0

    flagged = set(made.poisoned[1:])
    summary = json.loads(Path("repaired/repair.json").read_text())
    assert (summary["flagged"], summary["rows"]) == (len(flagged), ROWS)
    assert summary["after"]["attack_success_rate"] is not None
    kept = pd.read_csv("repaired/clean.csv", keep_default_na=False)
    assert len(kept) == ROWS - len(flagged)
    assert not flagged & set(kept["path"])
    CompanyNet(3, **network).load_state_dict(load_file("repaired/repaired.safetensors"))
    page = Path("repaired/report.html").read_text()
    assert page.count("<img") == len(flagged)
    assert "of triggered images" in page
    assert summary["lost_most"] is None or f"The class {summary['lost_most']['class']} lost most" in page

    monkeypatch.chdir("repaired")  # paths in the config are relative to the command's folder
    plan = plan_of(("run/config.yaml",))
    assert files_by_kind(plan)["others"] == []
    assert "repair repair: handed over" in list(status(plan))
    assert [line.split(":")[0] for line in where(plan)] == ["Repair repair"]
