"""Decision 1: the number of GPUs that a job requests, and the number of available GPUs."""

import pytest

from unpoison import gpus
from unpoison.runs import gpu
from unpoison.runs.gpu import gpu_slots, gpu_tag


@pytest.mark.parametrize(
    ("device", "runs_here", "visible", "asked"),
    [
        ("cpu", True, True, 0),
        ("cpu", False, True, 0),
        ("auto", True, False, 0),  # CPU jobs use all cores
        ("auto", True, True, 1),
        ("auto", False, False, 1),  # the submitting machine may lack a GPU
        ("cuda", True, False, 1),  # the job itself reports a missing GPU
        ("cuda", False, True, 1),
    ],
)
def test_a_job_asks_for_a_gpu_where_it_can_get_one(
    monkeypatch: pytest.MonkeyPatch, device: str, runs_here: bool, visible: bool, asked: int
) -> None:
    monkeypatch.setattr(gpu, "gpu_is_visible", lambda: visible)
    assert gpu_tag(device, runs_here=runs_here) == asked


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles"])
def test_a_hidden_gpu_is_not_visible(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.setattr(gpus, "_count", lambda: 1)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu.gpu_is_visible()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert not gpu.gpu_is_visible()


@pytest.mark.parametrize(
    ("given", "slots", "jobs"), [(None, 1, 4), (None, 2, 8), ("1,3", 2, 4), ("0,-1,2", 1, 1)]
)
def test_as_many_jobs_run_at_once_as_there_are_slots(
    monkeypatch: pytest.MonkeyPatch, given: str | None, slots: int, jobs: int
) -> None:
    monkeypatch.setattr(gpus, "_count", lambda: 4)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert gpu_slots(slots) == jobs
