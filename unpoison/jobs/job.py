"""A job that runs a network: its device, the network and the rows."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch

from unpoison.attacks import open_images
from unpoison.data import Data
from unpoison.devices import compute_repeatably, keep_freed_memory, pick_device
from unpoison.errors import UserError
from unpoison.jobs.inputs import check_inputs
from unpoison.networks import Architecture
from unpoison.poisons import trigger_of
from unpoison.recipes import Recipe
from unpoison.rows import read_rows
from unpoison.steps.setting import Setting


class Job:
    """The spec of a job, with its inputs checked and opened."""

    def __init__(self, snakemake: Any) -> None:
        check_inputs(snakemake)
        self.spec: Mapping[str, Any] = snakemake.params.spec
        if snakemake.threads != self.spec["threads"]:
            raise UserError(
                f"the config asks for {self.spec['threads']} threads and the job got {snakemake.threads}; "
                "run with that many --cores, or lower threads"
            )
        compute_repeatably(self.spec["threads"])
        keep_freed_memory()
        self.device = pick_device(self.spec["device"])
        self._input = snakemake.input

    @cached_property
    def data(self) -> Data:
        """The images and rows of the data set, as the attacker left them."""
        return self.data_of(self._input.rows, self._input.get("perturbed"))

    def data_of(self, rows_file: str, perturbed_file: str | None) -> Data:
        """Return the images and rows of one of several seeds, from its files."""
        rows, trigger = read_rows(rows_file), self.spec["trigger"]
        images = open_images(self._input.images, rows, perturbed_file)
        return Data.of_rows(images, rows, trigger_of(trigger["poison"], trigger["options"]), trigger["stamp"])

    def setting(self, seed: int | None = None) -> Setting:
        """Return the settings of a step; seed: one of several, None for the job's own."""
        return Setting(self.spec["seed"] if seed is None else seed, self.device, self.spec["precision"])

    @property
    def recipe(self) -> Recipe:
        return Recipe(**self.spec["recipe"])

    @property
    def architecture(self) -> Architecture:
        """The description of the job's networks."""
        names, size, features = self.data.class_names, self.data.image_size, self.spec.get("features")
        return Architecture.planned(self.spec["model"], names, size, features)

    def device_name(self) -> str:
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"cpu ({os.cpu_count()} cores)"
