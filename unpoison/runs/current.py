"""The check that an artifact is what today's config and code would make, by its record and those of its inputs.

Nothing is renamed or written here. A record can be damaged, of another version of unpoison, or not a record at all:
then its artifacts are not current.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from unpoison.errors import UserError
from unpoison.identity.contents import contents
from unpoison.identity.specs import Specs
from unpoison.provenance import read_record, record_of, stamp
from unpoison.study.patterns import is_literal
from unpoison.study.plan import Plan

# Errors of the functions that plan a job, for a record of another version whose values mean something else.
NOT_PLANNED = (AttributeError, KeyError, TypeError, ValueError, AssertionError, UserError)


class Current:
    """Compares records with the plan, each once."""

    def __init__(self, plan: Plan) -> None:
        self.specs = Specs(plan)
        self.results = Path(plan.settings.results_folder)
        self._record_of = cache(record_of)
        self._tell = cache(read_record)
        self._current: dict[Path, bool] = {}

    def holds(self, artifact: Path) -> bool:
        """Return whether an artifact's record and the records of its inputs are as planned; False without a record."""
        record = self._record_of(artifact)
        return record is not None and self._is_current(record)

    def _is_current(self, record: Path) -> bool:
        if record not in self._current:
            self._current[record] = False  # also for a record that depends on itself
            told = self._tell(record)
            self._current[record] = told is not None and self._is_as_planned(told)
        return self._current[record]

    def _is_as_planned(self, told: Mapping[str, Any]) -> bool:
        try:
            return (
                self._has_the_planned_spec(told)
                and self._reads_as_planned(told)
                and all(self._is_intact(file, told) for file in told["outputs"])
                and all(self._is_still(file, digest) for file, digest in told["inputs"].items())
            )
        except NOT_PLANNED:
            return False

    def _has_the_planned_spec(self, told: Mapping[str, Any]) -> bool:
        spec_of = getattr(self.specs, told["step"])
        planned = json.loads(json.dumps(spec_of(SimpleNamespace(**told["identity"]))))
        found = dict(told["spec"])
        if "options" in planned:  # tuned options are among the options, and are an input of that job
            found["options"] = {name: found["options"].get(name) for name in planned["options"]}
        return bool(found == planned)

    def _reads_as_planned(self, told: Mapping[str, Any]) -> bool:
        """Return whether the inputs are those of the plan, for jobs of equal spec that differ only in their inputs."""
        plan, identity = self.specs.plan, told["identity"]
        files = [Path(file) for file in told["inputs"]]
        sources = {file.parts[-2] for file in files if file.parts[-3:-2] == ("sources",)}
        if "dataset" in identity and not sources <= {plan.datasets[identity["dataset"]].source.name}:
            return False
        if told["step"] == "select_deletion":
            deletion = plan.deletions[identity["deletion"]]
            detectors = [deletion.detector.name] if deletion.detector else []
            scores = [file.stem for file in files if file.parent.name == "scores"]
            flagged = deletion.flagged
            is_read = flagged is None or flagged in files or not is_literal(flagged)
            return scores == detectors and is_read
        return True

    def _is_intact(self, file: str, told: Mapping[str, Any]) -> bool:
        """Return whether an output is the file of its record. A file with the stamp in the record is not read."""
        try:
            is_same = told["stamps"].get(file) == stamp(file)
        except FileNotFoundError:  # deleted to save space: no other file is in its place
            return True
        return is_same or contents().of_file(file) == told["outputs"][file]

    def _is_still(self, file: str, digest: str) -> bool:
        """Return whether an input is the file that was read, and is current itself."""
        record = self._record_of(file)
        if record is not None:
            told = self._tell(record)
            return told is not None and told["outputs"][file] == digest and self._is_current(record)
        if Path(file).is_relative_to(self.results) and not file.endswith("run.json"):
            return False  # an artifact without its record
        return not Path(file).exists() or contents().of_file(file) == digest
