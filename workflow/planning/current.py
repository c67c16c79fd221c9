"""Whether an artifact is what the config and the code of today would make, told by the records that it goes back to."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from planning.patterns import is_literal
from planning.plan import Plan
from planning.specs import Specs
from unpoison.provenance import record_of

# Rules that are told what another one is.
TOLD_AS = {"evaluate_reference": "evaluate", "evaluate_repaired": "evaluate", "repair": "unlearn"}


class Current:
    """Compares records with the plan, each once."""

    def __init__(self, plan: Plan) -> None:
        self.specs = Specs(plan)
        self._record_of = cache(record_of)
        self._told: dict[Path, Mapping[str, Any]] = {}
        self._current: dict[Path, bool] = {}

    def holds(self, artifact: Path) -> bool:
        """Whether its record and all records of what it was made from are as planned; without a record: no."""
        record = self._record_of(artifact)
        return record is not None and self._is_current(record)

    def _is_current(self, record: Path) -> bool:
        if record not in self._current:
            told = self._tell(record)
            self._current[record] = (
                self._is_planned(told)
                and self._reads_as_planned(told)
                and all(self._is_still(file, digest) for file, digest in told["inputs"].items())
            )
        return self._current[record]

    def _tell(self, record: Path) -> Mapping[str, Any]:
        if record not in self._told:
            self._told[record] = json.loads(record.read_bytes())
        return self._told[record]

    def _is_planned(self, told: Mapping[str, Any]) -> bool:
        spec_of = getattr(self.specs, TOLD_AS.get(told["step"], told["step"]))
        try:
            planned = json.loads(json.dumps(spec_of(SimpleNamespace(**told["identity"]))))
        except KeyError:  # the plan no longer has an entry of this name
            return False
        found = dict(told["spec"])
        if "options" in planned:  # what a tuning chose stands among the options, and is that job's input
            found["options"] = {name: found["options"].get(name) for name in planned["options"]}
        return found == planned

    def _reads_as_planned(self, told: Mapping[str, Any]) -> bool:
        """Whether its inputs are those of the plan, where two of the same spec can differ in them alone."""
        plan, identity = self.specs.plan, told["identity"]
        files = [Path(file) for file in told["inputs"]]
        sources = {file.parts[-2] for file in files if file.parts[-3:-2] == ("sources",)}
        if "dataset" in identity and not sources <= {plan.source_of(identity["dataset"])}:
            return False
        if told["step"] == "select_deletion":
            detector = plan.entry("deletion", identity["deletion"]).get("detector")
            scores = [file.stem for file in files if file.parent.name == "scores"]
            flagged = plan.flagged_file(identity["deletion"])
            is_read = flagged is None or flagged in files or not is_literal(flagged)
            return scores == [detector] * bool(detector) and is_read
        return True

    def _is_still(self, file: str, digest: str) -> bool:
        """Whether an input is the file that was read, and current itself. The user's files are Snakemake's to see."""
        record = self._record_of(file)
        return record is None or (self._tell(record)["outputs"][file] == digest and self._is_current(record))
