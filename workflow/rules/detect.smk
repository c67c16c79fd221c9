rule score_rows:
    input:
        images=scored_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
        outputs=BASE_OUTPUTS,
    output:
        scores=SCORES,
        run=SCORES_RUN,
    log:
        f"<logs>/{TRAINED}/scores/{{detector}}.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.score_rows,
    message:
        "Score the rows of {wildcards.dataset} with {wildcards.detector} (seed {wildcards.seed})"
    script:
        "../scripts/score_rows.py"
