"""Repair a model that was trained on poisoned data, and measure how well each method does it."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["load_model", "register"]


def __getattr__(name: str) -> Any:
    # Late, so that a job that only moves tables does not pay two CPU seconds for `import torch`.
    if name == "load_model":
        return import_module("unpoison.models").load_model
    if name == "register":
        return import_module("unpoison.registration").register
    raise AttributeError(f"module 'unpoison' has no attribute '{name}'")
