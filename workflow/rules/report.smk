rule collect_results:
    input:
        metrics=ALL_METRICS,
    output:
        table=RESULTS,
        csv=shown_table("results"),
    log:
        "<logs>/tables/collect_results.log",
    conda:
        ENV
    params:
        spec=specs.collect_results,
    message:
        "Collect the metrics of all models"
    script:
        "../scripts/collect_results.py"


rule make_tables:
    input:
        table=RESULTS,
    output:
        **{name: TABLE.format(table=name) for name in DERIVED_TABLES},
        **{f"{name}_csv": shown_table(name) for name in DERIVED_TABLES},
    log:
        "<logs>/tables/make_tables.log",
    conda:
        ENV
    params:
        spec=specs.make_tables,
    message:
        "Make the tables"
    script:
        "../scripts/make_tables.py"


rule decide:
    input:
        decisions=TABLE.format(table="decisions"),
    output:
        decided=DECIDED,
    log:
        "<logs>/decisions/{study}.log",
    conda:
        ENV
    params:
        spec=specs.decide,
    message:
        "Decide what {wildcards.study} runs next"
    script:
        "../scripts/decide.py"


rule trace_records:
    input:
        runs=ALL_METRICS_RUNS,
    output:
        table=PROVENANCE,
        csv=shown_table("provenance"),
    log:
        "<logs>/tables/trace_records.log",
    conda:
        ENV
    params:
        spec=specs.trace_records,
    message:
        "Trace every model back to its inputs"
    script:
        "../scripts/trace_records.py"


rule draw_figure:
    input:
        tables=figure_tables,
    output:
        pdf="<results>/figures/{figure}.pdf",
        png=report(
            "<results>/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "<logs>/figures/{figure}.log",
    conda:
        ENV
    params:
        spec=specs.draw_figure,
    message:
        "Draw {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"


rule draw_samples:
    input:
        unpack(sample_files),
    output:
        pdf="<results>/figures/samples_{study}.pdf",
        png=report(
            "<results>/figures/samples_{study}.png",
            caption="../report/samples.rst",
            category="Figures",
            labels={"figure": "samples_{study}"},
        ),
    log:
        "<logs>/figures/samples_{study}.log",
    conda:
        ENV
    params:
        spec=specs.draw_samples,
    message:
        "Draw images of {wildcards.study}"
    script:
        "../scripts/draw_samples.py"


rule draw_training:
    input:
        histories=study_histories,
    output:
        pdf="<results>/figures/training_{study}.pdf",
        png=report(
            "<results>/figures/training_{study}.png",
            caption="../report/training.rst",
            category="Figures",
            labels={"figure": "training_{study}"},
        ),
    log:
        "<logs>/figures/training_{study}.log",
    conda:
        ENV
    params:
        spec=specs.draw_training,
    message:
        "Draw the training histories of {wildcards.study}"
    script:
        "../scripts/draw_training.py"


rule write_report:
    input:
        tables=REPORTED_TABLES,
        results="<results>/tables/results.csv",
        figures=[path for path in FIGURES if path.endswith(".png")],
    output:
        page=report(
            REPORT,
            caption="../report/page.rst",
            category="Report",
            labels={"page": "report.html"},
        ),
    log:
        "<logs>/write_report.log",
    conda:
        ENV
    params:
        spec=specs.write_report,
    message:
        "Write the report"
    script:
        "../scripts/write_report.py"
