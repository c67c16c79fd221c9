"""The `spec` of every job: its whole identity as one dict of plain values, the only thing Snakemake compares safely."""

from typing import Any

from planning.identity import code_digest
from planning.plan import REFERENCES, Plan, canonical
from unpoison.poisons import POISONS

Spec = dict[str, Any]
METHOD_OF = {folder: method for method, folder in REFERENCES.items()}


class Specs:
    """One method for each rule, a function of the rule's wildcards alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def prepare_source(self, wildcards: Any) -> Spec:
        kind, image_size, options = self.plan.source_options(wildcards.source)
        return canonical(
            {
                "source": kind,
                "image_size": image_size,
                "options": options,
                "fingerprint": self.plan.peek(wildcards.source).fingerprint,
                "code": code_digest("prepare_source.py", f"unpoison.datasets.{kind}"),
            }
        )

    def poison_dataset(self, wildcards: Any) -> Spec:
        entry = self.plan.entry("dataset", wildcards.dataset)
        kind, options = self.plan.kind_and_options("poison", wildcards.poison)
        classes = list(self.plan.training_rows(wildcards.dataset))
        chosen = {
            "classes": sorted(classes),
            "keep": {name: entry["keep"].get(name, 1.0) for name in classes},
            "validation": entry["validation"],
        }
        return canonical(
            {
                "dataset": chosen,
                "image_size": self.plan.source_options(entry["source"])[1],
                "poison": kind,
                "options": options,
                "seed": int(wildcards.seed),
                "code": code_digest("poison_dataset.py", f"unpoison.poisons.{kind}"),
            }
        )

    def train_base(self, wildcards: Any) -> Spec:
        return self._train(wildcards, "base")

    def train_oracle(self, wildcards: Any) -> Spec:
        return self._train(wildcards, "oracle")

    def select_deletion(self, wildcards: Any) -> Spec:
        entry = dict(self.plan.entry("deletion", wildcards.deletion))
        entry.pop("rows", None)
        return canonical(
            {"deletion": entry, "seed": int(wildcards.seed), "code": code_digest("select_deletion.py")}
        )

    def unlearn(self, wildcards: Any) -> Spec:
        kind, options = self.plan.kind_and_options("method", wildcards.method)
        return canonical(
            {
                **self._network(wildcards),
                "method": kind,
                "options": options,
                "recipe": self.plan.recipe(wildcards.training),
                "code": self._code(wildcards, "unlearn.py", f"unpoison.unlearning.{kind}"),
            }
        )

    def evaluate(self, wildcards: Any) -> Spec:
        deletion = getattr(wildcards, "deletion", None)
        method = wildcards.method if deletion else METHOD_OF[wildcards.reference]
        levels = {level: getattr(wildcards, level) for level in ("dataset", "poison", "training")}
        identity = {**levels, "seed": int(wildcards.seed), "deletion": deletion, "method": method}
        return canonical(
            {**self._network(wildcards), "identity": identity, "code": self._code(wildcards, "evaluate.py")}
        )

    def collect_results(self, wildcards: Any) -> Spec:
        studies = {
            name: {
                **{level: sorted(names) for level, names in study.variants.items()},
                "seed": sorted(study.seeds),
                "vary": study.varied,
            }
            for name, study in self.plan.studies.items()
        }
        return canonical(
            {"studies": studies, "varied": self._varied(), "code": code_digest("collect_results.py")}
        )

    def summarise(self, wildcards: Any) -> Spec:
        return {"code": code_digest("summarise.py")}

    def draw_figure(self, wildcards: Any) -> Spec:
        kind, options = self.plan.figure_options(wildcards.figure)
        studies = sorted(self.plan.config["figures"][wildcards.figure]["studies"])
        code = code_digest("draw_figure.py", f"unpoison.plots.{kind}")
        return canonical({"figure": kind, "studies": studies, "options": options, "code": code})

    def draw_samples(self, wildcards: Any) -> Spec:
        poison = self.plan.sample_of(wildcards.study)[2]
        code = code_digest(
            "draw_samples.py", f"unpoison.poisons.{self.plan.kind_and_options('poison', poison)[0]}"
        )
        return canonical({"trigger": self._trigger(poison), "code": code})

    def _train(self, wildcards: Any, role: str) -> Spec:
        return canonical(
            {
                **self._network(wildcards),
                "role": role,
                "recipe": self.plan.recipe(wildcards.training),
                "code": self._code(wildcards, f"train_{role}.py"),
            }
        )

    def _network(self, wildcards: Any) -> Spec:
        """What every job that runs a network is told."""
        model, options = self.plan.model_options(wildcards.training)
        config = self.plan.config
        return {
            "model": {"name": model, "options": options},
            "trigger": self._trigger(wildcards.poison),
            "seed": int(wildcards.seed),
            "threads": config["threads"],
            "device": config["device"],
            "precision": config["precision"],
        }

    def _trigger(self, poison: str) -> Spec:
        kind, options = self.plan.kind_and_options("poison", poison)
        taken = POISONS.options(kind, "stamp")
        stamped = {name: value for name, value in options.items() if name in taken}
        return {"poison": kind, "options": stamped, "stamp": self.plan.entry("poison", poison)["stamp"]}

    def _code(self, wildcards: Any, *modules: str) -> str:
        poison = self.plan.kind_and_options("poison", wildcards.poison)[0]
        model = self.plan.model_options(wildcards.training)[0]
        return code_digest(*modules, f"unpoison.poisons.{poison}", f"unpoison.models.{model}")

    def _varied(self) -> dict[str, dict[str, dict[str, Any]]]:
        """For each level and variant, its varied keys as dotted names and their values."""
        return {
            level: {
                name: {f"{level}.{key}": value for key, value in settings.items()}
                for name, settings in names.items()
            }
            for level, names in self.plan.varied.items()
        }
