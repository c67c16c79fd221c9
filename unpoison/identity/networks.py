"""The specs of jobs that run a network: its architecture, its data, and its recipe."""

from typing import Any

from unpoison.detectors import DETECTORS
from unpoison.identity.blocks import (
    Spec,
    chosen_options,
    detector_options,
    digest_of_data,
    in_order,
    model_of,
    network_code,
    poison_code,
    probes_of,
    recipe_of,
    trigger_of,
    weights_content,
)
from unpoison.plugin_files import Registered
from unpoison.poisons import POISONS
from unpoison.study.code import code_digest
from unpoison.study.entries import canonical
from unpoison.study.plan import Plan
from unpoison.study.studies import cell_of
from unpoison.unlearning import METHODS


class NetworkSpecs:
    """One method for each rule that runs a network."""

    plan: Plan

    def train_base(self, wildcards: Any) -> Spec:
        # Detectors and methods take features from the base model. The specs of other networks have none.
        training = self.plan.trainings[wildcards.training]
        spec = {**self._train(wildcards, "base"), "features": training.features, **probes_of(self.plan)}
        weights = weights_content(training)
        return in_order(spec if weights is None else {**spec, "weights": weights})

    def train_oracle(self, wildcards: Any) -> Spec:
        return in_order({**self._train(wildcards, "oracle"), **probes_of(self.plan)})

    def train_surrogate(self, wildcards: Any) -> Spec:
        return self._train(wildcards, "surrogate")

    def perturb_images(self, wildcards: Any) -> Spec:
        poison = self.plan.poisons[wildcards.poison]
        taken = {name: poison.options[name] for name in POISONS.options(poison.kind, "perturb")}
        code = self._code(wildcards, "unpoison.jobs.perturb_images")
        return in_order({**self._network(wildcards), "options": canonical(taken), "code": code})

    def score_rows(self, wildcards: Any) -> Spec:
        detector = self.plan.detectors[wildcards.detector]
        return in_order(
            {
                **self._network(wildcards),
                "detector": detector.kind,
                "triggered_examples": detector.triggered_examples,
                "options": detector_options(detector),
                "recipe": recipe_of(self.plan.trainings[wildcards.training]),
                "code": self._code(wildcards, "unpoison.jobs.score_rows", DETECTORS.code(detector.kind)),
            }
        )

    def tune(self, wildcards: Any) -> Spec:
        method = self.plan.searches[wildcards.method]
        tuning = method.tuning
        assert tuning, "searches are of tuned methods"
        return canonical(
            {
                **self._network(wildcards),
                "seeds": tuning.seeds,
                "deletion": tuning.deletion,
                "method": method.kind,
                "fixed": method.settled,
                "defaults": {name: method.options[name] for name in tuning.space},
                "space": tuning.space,
                "trials": tuning.trials,
                "recipe": recipe_of(self.plan.trainings[wildcards.training]),
                "code": self._code(wildcards, "unpoison.jobs.tune", METHODS.code(method.kind)),
            }
        )

    def unlearn(self, wildcards: Any) -> Spec:
        method = self.plan.methods[wildcards.method]
        return in_order(
            {
                **self._network(wildcards),
                "method": method.kind,
                **chosen_options(method),
                "recipe": recipe_of(self.plan.trainings[wildcards.training]),
                "code": self._code(wildcards, "unpoison.jobs.unlearn", METHODS.code(method.kind)),
                **probes_of(self.plan),
            }
        )

    def hold_out(self, wildcards: Any) -> Spec:
        method = self.plan.methods[wildcards.method]
        return in_order(
            {
                **self._network(wildcards),
                "method": method.kind,
                **chosen_options(method),
                "recipe": recipe_of(self.plan.trainings[wildcards.training]),
                "folds": self.plan.folds[cell_of(wildcards)],
                "fold": int(wildcards.fold),
                "code": self._code(wildcards, "unpoison.jobs.hold_out", METHODS.code(method.kind)),
            }
        )

    def train_reference(self, wildcards: Any) -> Spec:
        return in_order(
            {
                **self._network(wildcards),
                "recipe": recipe_of(self.plan.trainings[wildcards.training]),
                "code": self._code(wildcards, "unpoison.jobs.train_reference", METHODS.code("retrain")),
            }
        )

    def _train(self, wildcards: Any, role: str) -> Spec:
        return in_order(
            {
                **self._network(wildcards),
                "role": role,
                "recipe": recipe_of(self.plan.trainings[wildcards.training]),
                "code": self._code(wildcards, f"unpoison.jobs.train_{role}"),
            }
        )

    def _network(self, wildcards: Any) -> Spec:
        """Return the part that the specs of all jobs with a network share."""
        plan = self.plan
        dataset, poison = plan.datasets[wildcards.dataset], plan.poisons[wildcards.poison]
        seed = {"seed": int(wildcards.seed)} if hasattr(wildcards, "seed") else {}  # tuning has its own seeds
        return {
            "model": model_of(plan.trainings[wildcards.training]),
            "trigger": trigger_of(poison),
            "data": digest_of_data(plan, dataset, poison),
            **seed,
            "threads": plan.settings.threads,
            "device": plan.settings.device,
            "precision": plan.settings.precision,
        }

    def _code(self, wildcards: Any, *modules: str | Registered) -> str:
        poison, training = self.plan.poisons[wildcards.poison], self.plan.trainings[wildcards.training]
        return code_digest(*modules, *poison_code(poison), *network_code(training))
