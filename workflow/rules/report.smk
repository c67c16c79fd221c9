rule collect_results:
    input:
        metrics=ALL_METRICS,
    output:
        table=RESULTS,
        csv=report(
            Path(RESULTS).with_suffix(".csv").as_posix(),
            caption="../report/results.rst",
            category="Tables",
            labels={"table": "results"},
        ),
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


rule summarise:
    input:
        table=RESULTS,
    output:
        summary=SUMMARY,
        summary_csv=report(
            Path(SUMMARY).with_suffix(".csv").as_posix(),
            caption="../report/summary.rst",
            category="Tables",
            labels={"table": "summary"},
        ),
        references=REFERENCES,
        references_csv=report(
            Path(REFERENCES).with_suffix(".csv").as_posix(),
            caption="../report/references.rst",
            category="Tables",
            labels={"table": "references"},
        ),
    log:
        "<logs>/tables/summarise.log",
    conda:
        ENV
    params:
        spec=specs.summarise,
    message:
        "Summarise over seeds"
    script:
        "../scripts/summarise.py"


rule compare_methods:
    input:
        table=RESULTS,
    output:
        paired=PAIRED,
        paired_csv=report(
            "<results>/tables/paired.csv",
            caption="../report/paired.rst",
            category="Tables",
            labels={"table": "paired"},
        ),
        best="<results>/tables/best.parquet",
        best_csv=report(
            "<results>/tables/best.csv",
            caption="../report/best.rst",
            category="Tables",
            labels={"table": "best"},
        ),
        thresholds="<results>/tables/thresholds.parquet",
        thresholds_csv=report(
            "<results>/tables/thresholds.csv",
            caption="../report/thresholds.rst",
            category="Tables",
            labels={"table": "thresholds"},
        ),
    log:
        "<logs>/tables/compare_methods.log",
    conda:
        ENV
    params:
        spec=specs.compare_methods,
    message:
        "Compare the methods seed by seed"
    script:
        "../scripts/compare_methods.py"


rule trace_records:
    input:
        runs=ALL_METRICS_RUNS,
    output:
        table=PROVENANCE,
        csv=report(
            Path(PROVENANCE).with_suffix(".csv").as_posix(),
            caption="../report/provenance.rst",
            category="Tables",
            labels={"table": "provenance"},
        ),
    log:
        "<logs>/tables/trace_records.log",
    conda:
        ENV
    params:
        spec=specs.trace_records,
    message:
        "Trace every model back to what it was made from"
    script:
        "../scripts/trace_records.py"


rule average_over_recalls:
    input:
        table=RESULTS,
    output:
        table=UTILITY_HEALED,
        csv=report(
            Path(UTILITY_HEALED).with_suffix(".csv").as_posix(),
            caption="../report/utility_healed.rst",
            category="Tables",
            labels={"table": "utility_healed"},
        ),
    log:
        "<logs>/tables/average_over_recalls.log",
    conda:
        ENV
    params:
        spec=specs.average_over_recalls,
    message:
        "Average utility and healed over the recalls"
    script:
        "../scripts/average_over_recalls.py"


rule draw_figure:
    input:
        summary=SUMMARY,
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
        "Draw how the models of {wildcards.study} were trained"
    script:
        "../scripts/draw_training.py"


rule write_report:
    input:
        results=Path(RESULTS).with_suffix(".csv").as_posix(),
        summary=SUMMARY,
        paired=PAIRED,
        records=PROVENANCE,
        others=OTHER_TABLES,
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
