"""What the scripts that run a network share: the log, the device, the network and the rows of a job.

To import it is to begin the job: its inputs are checked, and a GPU is leased before torch is imported, which then
sees no other.
"""

import os
from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import Any

import __main__
from _inputs import check_inputs
from _log import begin
from unpoison.gpus import lease_folder, lease_gpu, visible_gpus

begin(__main__.snakemake.log[0])
check_inputs(__main__.snakemake)
if __main__.snakemake.resources.get("gpu"):
    LEASE = lease_gpu(visible_gpus(), int(os.environ["UNPOISON_GPU_SLOTS"]), lease_folder())

import torch

from unpoison.devices import compute_repeatably, keep_freed_memory, pick_device
from unpoison.errors import UserError
from unpoison.examples import Examples, examples_of
from unpoison.models import build
from unpoison.poisons import trigger_of
from unpoison.attacks import open_images
from unpoison.rows import Rows, read_rows
from unpoison.seeds import derive_seed
from unpoison.types import StoredImages


class Job:
    """A job's spec with its inputs opened."""

    def __init__(self, snakemake: Any) -> None:
        self.spec: Mapping[str, Any] = snakemake.params.spec
        if snakemake.threads != self.spec["threads"]:
            raise UserError(
                f"the config asks for {self.spec['threads']} threads and the job got {snakemake.threads}; "
                "run with that many --cores, or lower threads"
            )
        compute_repeatably(self.spec["threads"])
        keep_freed_memory()
        self.device = pick_device(self.spec["device"])
        self.source_file: str = snakemake.input.images
        self.rows_file: str = snakemake.input.rows
        self.perturbed_file: str | None = snakemake.input.get("perturbed")
        self.stamp = trigger_of(self.spec["trigger"]["poison"], self.spec["trigger"]["options"])
        self.model_name: str = self.spec["model"]["name"]
        self.model_options: Mapping[str, Any] = self.spec["model"]["options"]

    @cached_property
    def rows(self) -> Rows:
        """The rows of the data set, poisoned."""
        return read_rows(self.rows_file)

    @cached_property
    def images(self) -> StoredImages:
        """The images of the source, as the attacker left them."""
        return open_images(self.source_file, self.rows, self.perturbed_file)

    def of_seed(self, seed: int, rows_file: str, perturbed_file: str | None) -> "Job":
        """The same job on the rows of one of its seeds."""
        job = copy(self)
        job.spec = {**self.spec, "seed": seed}
        job.rows_file, job.perturbed_file = rows_file, perturbed_file
        return job

    def seed(self, purpose: str) -> int:
        return derive_seed(purpose, self.spec["seed"])

    def examples(self, rows: Rows) -> Examples:
        """Rows as a trainer on the job's device sees them."""
        return examples_of(self.images, rows, self.stamp, self.spec["trigger"]["stamp"], self.device)

    def new_model(self, seed: int) -> torch.nn.Module:
        """An untrained network on the job's device."""
        return build(self.model_name, len(self.rows.class_names), self.model_options, seed).to(self.device)

    def device_name(self) -> str:
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"cpu ({os.cpu_count()} cores)"
