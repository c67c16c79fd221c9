# Every path of the workflow, once. Below <results>:
#
#   sources/{source}/                                   images.npy  rows.parquet
#   {dataset}/seed{seed}/{poison}/                      rows.parquet
#   {dataset}/seed{seed}/{poison}/{training}/
#     base/  oracle/                                    model.safetensors  history.parquet  run.json  metrics.parquet
#     {deletion}/                                       deletion.parquet
#     {deletion}/{method}/                              model.safetensors  run.json  metrics.parquet
#   tables/                                             results, summary, paired (.parquet, .csv)
#   figures/                                            (.pdf, .png)
#   logs/                                               one for each job, under the path of what it makes
pathvars:
    results=plan.config["results_folder"],
    logs=f"{plan.config['results_folder']}/logs",


SOURCE_IMAGES = "<results>/sources/{source}/images.npy"
SOURCE_ROWS = "<results>/sources/{source}/rows.parquet"

POISONED = "{dataset}/seed{seed}/{poison}"
ROWS = f"<results>/{POISONED}/rows.parquet"

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

DELETION = f"<results>/{TRAINED}/{{deletion}}/deletion.parquet"
UNLEARNED = f"{TRAINED}/{{deletion}}/{{method}}"
UNLEARNED_MODEL = f"<results>/{UNLEARNED}/model.safetensors"
UNLEARNED_RUN = f"<results>/{UNLEARNED}/run.json"
UNLEARNED_METRICS = f"<results>/{UNLEARNED}/metrics.parquet"

METRICS = [metrics_file(cell) for cell in plan.cells]
assert METRICS, "a config without a cell was let through"
RESULTS = "<results>/tables/results.parquet"
SUMMARY = "<results>/tables/summary.parquet"
PAIRED = "<results>/tables/paired.parquet"
TABLES = [
    f"<results>/tables/{table}.{kind}"
    for table in ("results", "summary", "paired")
    for kind in ("parquet", "csv")
]
FIGURES = [
    f"<results>/figures/{figure}.{kind}"
    for figure in (
        *plan.config["figures"],
        *(f"samples_{study}" for study in plan.studies),
    )
    for kind in ("pdf", "png")
]
