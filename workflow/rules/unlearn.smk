rule select_deletion:
    input:
        rows=ROWS,
        scores=detector_scores,
        outputs=base_outputs,
        flagged=flagged_rows,
    output:
        deletion=DELETION,
        run=DELETION_RUN,
    log:
        f"<logs>/{TRAINED}/{{deletion}}/select_deletion.log",
    priority: 1
    conda:
        ENV
    params:
        spec=reads_files(specs.select_deletion),
        flagged=flagged_path,
    message:
        "Select the deletion set {wildcards.deletion} (seed {wildcards.seed})"
    script:
        "../scripts/select_deletion.py"


rule tune:
    input:
        unpack(tuning_files),
        images=source_images,
    output:
        tuned=TUNED,
        run=TUNED_RUN,
    log:
        f"<logs>/{TUNED_BELOW}.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.tune,
    message:
        "Tune {wildcards.method} ({wildcards.dataset}, {wildcards.poison})"
    script:
        "../scripts/tune.py"


rule unlearn:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
        deletion=DELETION,
        tuned=tuned_file,
    output:
        **kept(UNLEARNED_MODEL),
        **probed(f"<results>/{UNLEARNED}"),
        answers=UNLEARNED_ANSWERS,
        run=UNLEARNED_RUN,
    log:
        f"<logs>/{UNLEARNED}/unlearn.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.unlearn,
        planned=planned(select_deletion=its_deletion),
    message:
        "Unlearn {wildcards.deletion} with {wildcards.method} ({wildcards.dataset}, seed {wildcards.seed})"
    script:
        "../scripts/unlearn.py"


use rule unlearn as repair with:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
    output:
        **kept(REPAIRED_MODEL),
        **probed(f"<results>/{REPAIRED}"),
        answers=REPAIRED_ANSWERS,
        run=REPAIRED_RUN,
    log:
        f"<logs>/{REPAIRED}/repair.log",
    message:
        "Repair by trusted rows with {wildcards.method} ({wildcards.dataset}, seed {wildcards.seed})"
