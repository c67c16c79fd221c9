rule evaluate_reference:
    input:
        images=tested_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=REFERENCE_MODEL,
        run=REFERENCE_RUN,
    output:
        metrics=REFERENCE_METRICS,
        run=REFERENCE_METRICS_RUN,
    log:
        f"<logs>/{TRAINED}/{{reference}}/evaluate.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.evaluate,
    message:
        "Evaluate {wildcards.reference} ({wildcards.dataset}, seed {wildcards.seed})"
    script:
        "../scripts/evaluate.py"


rule evaluate:
    input:
        images=tested_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=UNLEARNED_MODEL,
        run=UNLEARNED_RUN,
        deletion=DELETION,
    output:
        metrics=UNLEARNED_METRICS,
        run=UNLEARNED_METRICS_RUN,
    log:
        f"<logs>/{UNLEARNED}/evaluate.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.evaluate,
    message:
        "Evaluate {wildcards.method} after {wildcards.deletion} ({wildcards.dataset}, seed {wildcards.seed})"
    script:
        "../scripts/evaluate.py"


use rule evaluate as evaluate_repaired with:
    input:
        images=tested_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=REPAIRED_MODEL,
        run=REPAIRED_RUN,
    output:
        metrics=REPAIRED_METRICS,
        run=REPAIRED_METRICS_RUN,
    log:
        f"<logs>/{REPAIRED}/evaluate.log",
    message:
        "Evaluate the repair by {wildcards.method} ({wildcards.dataset}, seed {wildcards.seed})"
