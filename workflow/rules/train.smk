rule train_base:
    input:
        images=source_images,
        rows=ROWS,
    output:
        model=BASE_MODEL,
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
        spec=specs.train_base,
    message:
        "Train on {wildcards.dataset} poisoned with {wildcards.poison} (seed {wildcards.seed})"
    script:
        "../scripts/train_base.py"


rule train_oracle:
    input:
        images=source_images,
        rows=ROWS,
    output:
        model=ORACLE_MODEL,
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
    message:
        "Train the oracle on the clean rows of {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../scripts/train_oracle.py"
