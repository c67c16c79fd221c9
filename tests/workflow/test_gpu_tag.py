"""Decision 1: how many GPUs a job asks for."""

import pytest

from planning import gpu
from planning.gpu import gpu_tag


@pytest.mark.parametrize(
    ("device", "runs_here", "visible", "asked"),
    [
        ("cpu", True, True, 0),
        ("cpu", False, True, 0),
        ("auto", True, False, 0),  # `--cores 8 --resources gpu=1` keeps eight cores busy
        ("auto", True, True, 1),
        ("auto", False, False, 1),  # the machine that submits need not have the GPU
        ("cuda", True, False, 1),  # the job itself says that there is none
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
    monkeypatch.setattr(gpu.Path, "glob", lambda *_: iter(["0000:00:00.0"]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu.gpu_is_visible()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert not gpu.gpu_is_visible()
