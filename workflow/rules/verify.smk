rule train_reference:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
        deletion=DELETION,
    output:
        answers=REFERENCE,
        run=REFERENCE_RUN,
    log:
        f"<logs>/{TRAINED}/{{deletion}}/held_out/train_reference.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.train_reference,
        planned=planned(select_deletion=its_deletion),
    message:
        "Train the reference model of {wildcards.deletion} ({wildcards.dataset}, seed {wildcards.seed})"
    script:
        "../scripts/train_reference.py"


rule hold_out:
    input:
        images=source_images,
        rows=ROWS,
        perturbed=perturbed_images,
        model=BASE_MODEL,
        deletion=DELETION,
        tuned=tuned_file,
    output:
        answers=HELD_OUT,
        run=HELD_OUT_RUN,
    log:
        f"<logs>/{UNLEARNED}/held_out/{{fold}}.log",
    conda:
        ENV
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        spec=specs.hold_out,
        planned=planned(select_deletion=its_deletion),
    message:
        "Repair {wildcards.deletion} by {wildcards.method} without fold {wildcards.fold} (seed {wildcards.seed})"
    script:
        "../scripts/hold_out.py"


rule verify:
    input:
        rows=ROWS,
        deletion=DELETION,
        answers=BASE_ANSWERS,
        reference=REFERENCE,
        held_out=held_out_answers,
    output:
        verified=VERIFIED,
        run=VERIFIED_RUN,
    log:
        f"<logs>/{UNLEARNED}/held_out/verify.log",
    conda:
        ENV
    params:
        spec=specs.verify,
    message:
        "Verify {wildcards.method} on {wildcards.deletion} (seed {wildcards.seed})"
    script:
        "../scripts/verify.py"


rule write_repair:
    input:
        unpack(repair_files),
    output:
        weights=f"{HANDED_OVER}/repaired.safetensors",
        page=f"{HANDED_OVER}/report.html",
        clean=f"{HANDED_OVER}/clean.csv",
        summary=f"{HANDED_OVER}/repair.json",
    log:
        "<logs>/repairs/{repair}.log",
    conda:
        ENV
    params:
        spec=specs.write_repair,
        told=repair_words,
    message:
        "Write the results of the repair {wildcards.repair}"
    script:
        "../scripts/write_repair.py"
