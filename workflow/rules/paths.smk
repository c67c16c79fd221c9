# Every path of the workflow, once. Below <results>:
#
#   sources/{source}/                                   images.npy  rows.parquet  run.json
#   {dataset}/seed{seed}/{poison}/                      rows.parquet  run.json
#   {dataset}/seed{seed}/{poison}/{training}/
#     base/  oracle/                                    model.safetensors  history.parquet  run.json
#                                                       metrics.parquet  metrics.run.json
#     base/  (for errors biased by the model)           views.parquet  views.run.json
#     surrogate/  (for poisons that have one)           model.safetensors  history.parquet  run.json
#                                                       images.npy  images.run.json
#     scores/                                           {detector}.parquet  {detector}.run.json
#     repaired/{method}/                                as below {deletion}/
#     {deletion}/                                       deletion.parquet  run.json
#     {deletion}/{method}/                              model.safetensors  run.json
#                                                       metrics.parquet  metrics.run.json
#   {dataset}/tuned/{poison}/{training}/                {method}.yaml  {method}.run.json
#   tables/                                             results, summary, references, paired, best, thresholds,
#                                                       provenance, utility_healed (.parquet, .csv)
#   figures/                                            (.pdf, .png)
#   report.html                                         the tables and figures of all studies on one page
#   logs/                                               one for each job, under the path of what it makes
pathvars:
    results=plan.config["results_folder"],
    logs="<results>/logs",


# Where results are, after the `prefix` and `pathvars` of a module statement.
RESULTS_FOLDER = workflow.pathvars.apply(
    workflow.modifier.path_modifier.replace_prefix("<results>")
)

SOURCE_IMAGES = "<results>/sources/{source}/images.npy"
SOURCE_ROWS = "<results>/sources/{source}/rows.parquet"
SOURCE_RUN = "<results>/sources/{source}/run.json"

POISONED = "{dataset}/seed{seed}/{poison}"
ROWS = f"<results>/{POISONED}/rows.parquet"
ROWS_RUN = f"<results>/{POISONED}/run.json"

TRAINED = f"{POISONED}/{{training}}"
BASE_MODEL = f"<results>/{TRAINED}/base/model.safetensors"
BASE_HISTORY = f"<results>/{TRAINED}/base/history.parquet"
BASE_RUN = f"<results>/{TRAINED}/base/run.json"
ORACLE_MODEL = f"<results>/{TRAINED}/oracle/model.safetensors"
ORACLE_HISTORY = f"<results>/{TRAINED}/oracle/history.parquet"
ORACLE_RUN = f"<results>/{TRAINED}/oracle/run.json"
REFERENCE_MODEL = f"<results>/{TRAINED}/{{reference}}/model.safetensors"
REFERENCE_RUN = f"<results>/{TRAINED}/{{reference}}/run.json"
REFERENCE_METRICS = f"<results>/{TRAINED}/{{reference}}/metrics.parquet"
REFERENCE_METRICS_RUN = f"<results>/{TRAINED}/{{reference}}/metrics.run.json"

SURROGATE_MODEL = f"<results>/{TRAINED}/surrogate/model.safetensors"
SURROGATE_HISTORY = f"<results>/{TRAINED}/surrogate/history.parquet"
SURROGATE_RUN = f"<results>/{TRAINED}/surrogate/run.json"
PERTURBED = f"<results>/{TRAINED}/surrogate/images.npy"
PERTURBED_RUN = f"<results>/{TRAINED}/surrogate/images.run.json"

BASE_VIEWS = f"<results>/{TRAINED}/base/views.parquet"
BASE_VIEWS_RUN = f"<results>/{TRAINED}/base/views.run.json"
SCORES = f"<results>/{TRAINED}/scores/{{detector}}.parquet"
SCORES_RUN = f"<results>/{TRAINED}/scores/{{detector}}.run.json"
DELETION = f"<results>/{TRAINED}/{{deletion}}/deletion.parquet"
DELETION_RUN = f"<results>/{TRAINED}/{{deletion}}/run.json"
UNLEARNED = f"{TRAINED}/{{deletion}}/{{method}}"
UNLEARNED_MODEL = f"<results>/{UNLEARNED}/model.safetensors"
UNLEARNED_RUN = f"<results>/{UNLEARNED}/run.json"
UNLEARNED_METRICS = f"<results>/{UNLEARNED}/metrics.parquet"
UNLEARNED_METRICS_RUN = f"<results>/{UNLEARNED}/metrics.run.json"

TUNED_BELOW = "{dataset}/tuned/{poison}/{training}/{method}"
TUNED = f"<results>/{TUNED_BELOW}.yaml"
TUNED_RUN = f"<results>/{TUNED_BELOW}.run.json"

REPAIRED = f"{TRAINED}/repaired/{{method}}"
REPAIRED_MODEL = f"<results>/{REPAIRED}/model.safetensors"
REPAIRED_RUN = f"<results>/{REPAIRED}/run.json"
REPAIRED_METRICS = f"<results>/{REPAIRED}/metrics.parquet"
REPAIRED_METRICS_RUN = f"<results>/{REPAIRED}/metrics.run.json"

METRICS = [metrics_file(cell) for cell in plan.cells]
METRICS_RUNS = [path.replace("metrics.parquet", "metrics.run.json") for path in METRICS]
assert METRICS, "a config without a cell was let through"
RESULTS = "<results>/tables/results.parquet"
SUMMARY = "<results>/tables/summary.parquet"
REFERENCES = "<results>/tables/references.parquet"
PAIRED = "<results>/tables/paired.parquet"
PROVENANCE = "<results>/tables/provenance.parquet"
UTILITY_HEALED = "<results>/tables/utility_healed.parquet"
TABLES = [
    f"<results>/tables/{table}.{kind}"
    for table in (
        "results",
        "summary",
        "references",
        "paired",
        "best",
        "thresholds",
        "provenance",
        *plan.averages,
    )
    for kind in ("parquet", "csv")
]
OTHER_TABLES = [
    f"<results>/tables/{table}.parquet" for table in ("references", *plan.averages)
]
FIGURES = [
    f"<results>/figures/{figure}.{kind}"
    for figure in plan.figures
    for kind in ("pdf", "png")
]
REPORT = "<results>/report.html"
