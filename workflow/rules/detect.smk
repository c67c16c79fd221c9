rule score_rows:
    input:
        images=scored_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
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


rule view_rows:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
    output:
        views=BASE_VIEWS,
        run=BASE_VIEWS_RUN,
    log:
        f"<logs>/{TRAINED}/base/view_rows.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.view_rows,
    message:
        "See the rows of {wildcards.dataset} as the model does that was trained on them (seed {wildcards.seed})"
    script:
        "../scripts/view_rows.py"
