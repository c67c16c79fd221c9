rule train_base:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
    output:
        **probed(f"<results>/{TRAINED}/base"),
        model=BASE_MODEL,
        answers=BASE_ANSWERS,
        outputs=BASE_OUTPUTS,
        history=BASE_HISTORY,
        run=BASE_RUN,
    log:
        f"<logs>/{TRAINED}/base/train.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=reads_files(specs.train_base),
        weights=given_weights,
        planned=planned(prepare_source=its_source),
    message:
        "Train on {wildcards.dataset} with {wildcards.poison} (seed {wildcards.seed})"
    script:
        "../scripts/train_base.py"


rule train_oracle:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
    output:
        **kept(ORACLE_MODEL),
        **probed(f"<results>/{TRAINED}/oracle"),
        answers=ORACLE_ANSWERS,
        history=ORACLE_HISTORY,
        run=ORACLE_RUN,
    log:
        f"<logs>/{TRAINED}/oracle/train.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.train_oracle,
        planned=planned(prepare_source=its_source),
    message:
        "Train the oracle on the clean rows of {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../scripts/train_oracle.py"


rule train_surrogate:
    input:
        images=source_images,
        rows=ROWS,
    output:
        model=SURROGATE_MODEL,
        history=SURROGATE_HISTORY,
        run=SURROGATE_RUN,
    log:
        f"<logs>/{TRAINED}/surrogate/train.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.train_surrogate,
        planned=planned(prepare_source=its_source),
    message:
        "Train the attacker's surrogate on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../scripts/train_surrogate.py"


rule perturb_images:
    input:
        images=source_images,
        rows=ROWS,
        model=SURROGATE_MODEL,
    output:
        images=PERTURBED,
        run=PERTURBED_RUN,
    log:
        f"<logs>/{TRAINED}/surrogate/perturb_images.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.perturb_images,
    message:
        "Perturb the poisoned images of {wildcards.dataset} by {wildcards.poison} (seed {wildcards.seed})"
    script:
        "../scripts/perturb_images.py"
