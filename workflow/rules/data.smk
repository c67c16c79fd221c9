rule prepare_source:
    output:
        images=SOURCE_IMAGES,
        rows=SOURCE_ROWS,
        run=SOURCE_RUN,
    log:
        "<logs>/sources/{source}.log",
    priority: 1  # faults of the data are found before a network is trained
    conda:
        ENV
    params:
        spec=reads_files(specs.prepare_source),
        data_folder=data_folder,
    message:
        "Prepare the images of {wildcards.source}"
    script:
        "../scripts/prepare_source.py"


rule poison_dataset:
    input:
        rows=source_rows,
        avoided=avoided_scores,
    output:
        rows=ROWS,
        run=ROWS_RUN,
    log:
        f"<logs>/{POISONED}/poison_dataset.log",
    priority: 1
    conda:
        ENV
    params:
        spec=reads_files(specs.poison_dataset),
        data_folder=data_folder,
        planned=planned(prepare_source=its_source),
    message:
        "Make the rows of {wildcards.dataset} with {wildcards.poison} (seed {wildcards.seed})"
    script:
        "../scripts/poison_dataset.py"
