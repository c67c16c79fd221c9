rule measure:
    input:
        unpack(cell_files),
        rows=ROWS,
    output:
        metrics=METRICS,
        run=METRICS_RUN,
    log:
        f"<logs>/{TRAINED}/measure.log",
    conda:
        ENV
    params:
        spec=specs.measure,
    message:
        "Measure all models of {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../scripts/measure.py"
