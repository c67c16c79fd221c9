"""Probes: requested in the config, run in the job that makes a model, read by the metrics that need them."""

import pandas as pd

MODELS = 3  # base models of the tiny study


def test_a_probe_is_run_with_each_model_and_measured(project) -> None:
    project.set("probes", {"relearning": {"length": 0.5}})
    jobs = project.jobs()
    networks = {"train_base": MODELS, "train_oracle": MODELS, "unlearn": 8, "measure": MODELS}
    assert {rule: jobs[rule] for rule in networks} == networks
    cell = "results/pair/seed0/corner_swap/resnet9"
    done = project.snakemake(f"{cell}/metrics.parquet")
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = pd.read_parquet(project.folder / cell / "metrics.parquet")
    probed = metrics[(metrics["metric"] == "relearned_attack_success_rate") & metrics["class_name"].isna()]
    assert set(probed["method"]) == {"do_nothing", "oracle", "retrain", "finetune"}
    assert probed["value"].between(0, 1).all()

    project.edit("unpoison/probes/relearning.py", "return model.eval()", "model.eval()\n    return model")
    assert project.jobs()["unlearn"] == 8


def test_an_edit_of_a_probe_that_nobody_asks_for_reruns_nothing(project) -> None:
    project.edit("unpoison/probes/relearning.py", "return model.eval()", "model.eval()\n    return model")
    project.edit(
        "unpoison/steps/probing.py", "given = replace", "given = replace  # a copy\n    given = replace"
    )
    assert project.jobs() == {}
