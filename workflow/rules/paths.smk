# All paths of the workflow. Below <results>:
#
#   sources/{source}/                                   images.npy  rows.parquet  run.json
#   {dataset}/seed{seed}/{poison}/                      rows.parquet  run.json
#   {dataset}/seed{seed}/{poison}/{training}/
#     metrics.parquet  metrics.run.json                 of all models below
#     base/                                             model.safetensors  outputs.npy  answers.npy
#                                                       history.parquet  run.json
#     oracle/                                           answers.npy  history.parquet  run.json
#     surrogate/  (for poisons that have one)           model.safetensors  history.parquet  run.json
#                                                       images.npy  images.run.json
#     scores/                                           {detector}.parquet  {detector}.run.json
#     repaired/{method}/                                as below {deletion}/
#     {deletion}/                                       deletion.parquet  run.json
#     {deletion}/                                       reference.npy  reference.run.json  (for held-out checks)
#     {deletion}/{method}/                              answers.npy  run.json
#                                                       held_out{fold}.npy  verified.json  (each with its .run.json)
#     (with keep_models: all, oracles and repaired models have their model.safetensors too)
#   {dataset}/tuned/{poison}/{training}/                {method}.yaml  {method}.run.json
#   repairs/{repair}/                                   report.html  repaired.safetensors  repair.json  clean.csv
#   scans/{scan}/                                       report.html  scan.json  suspicious.csv  clean.csv  removed.csv
#   decisions/{study}.json                              decisions of an adaptive study, read by the next plan
#   tables/                                             results, summary, references, paired, best, thresholds,
#                                                       provenance, utility_healed (.parquet, .csv)
#   figures/                                            (.pdf, .png)
#   report.html                                         the tables and figures of all studies on one page
#   logs/                                               one for each job, under the path of what it makes
pathvars:
    results=plan.settings.results_folder,
    logs="<results>/logs",


# The folder of the results, after the `prefix` and `pathvars` of a module statement.
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
BASE_OUTPUTS = f"<results>/{TRAINED}/base/outputs.npy"
BASE_ANSWERS = f"<results>/{TRAINED}/base/answers.npy"
ORACLE_ANSWERS = f"<results>/{TRAINED}/oracle/answers.npy"
METRICS = f"<results>/{TRAINED}/metrics.parquet"
METRICS_RUN = f"<results>/{TRAINED}/metrics.run.json"

SURROGATE_MODEL = f"<results>/{TRAINED}/surrogate/model.safetensors"
SURROGATE_HISTORY = f"<results>/{TRAINED}/surrogate/history.parquet"
SURROGATE_RUN = f"<results>/{TRAINED}/surrogate/run.json"
PERTURBED = f"<results>/{TRAINED}/surrogate/images.npy"
PERTURBED_RUN = f"<results>/{TRAINED}/surrogate/images.run.json"

SCORES = f"<results>/{TRAINED}/scores/{{detector}}.parquet"
SCORES_RUN = f"<results>/{TRAINED}/scores/{{detector}}.run.json"
DELETION = f"<results>/{TRAINED}/{{deletion}}/deletion.parquet"
DELETION_RUN = f"<results>/{TRAINED}/{{deletion}}/run.json"
UNLEARNED = f"{TRAINED}/{{deletion}}/{{method}}"
UNLEARNED_MODEL = f"<results>/{UNLEARNED}/model.safetensors"
UNLEARNED_RUN = f"<results>/{UNLEARNED}/run.json"
UNLEARNED_ANSWERS = f"<results>/{UNLEARNED}/answers.npy"

REFERENCE = f"<results>/{TRAINED}/{{deletion}}/reference.npy"
REFERENCE_RUN = f"<results>/{TRAINED}/{{deletion}}/reference.run.json"
HELD_OUT = f"<results>/{UNLEARNED}/held_out{{fold}}.npy"
HELD_OUT_RUN = f"<results>/{UNLEARNED}/held_out{{fold}}.run.json"
VERIFIED = f"<results>/{UNLEARNED}/verified.json"
VERIFIED_RUN = f"<results>/{UNLEARNED}/verified.run.json"
HANDED_OVER = "<results>/repairs/{repair}"
SCANNED = "<results>/scans/{scan}"

TUNED_BELOW = "{dataset}/tuned/{poison}/{training}/{method}"
TUNED = f"<results>/{TUNED_BELOW}.yaml"
TUNED_RUN = f"<results>/{TUNED_BELOW}.run.json"

REPAIRED = f"{TRAINED}/repaired/{{method}}"
REPAIRED_MODEL = f"<results>/{REPAIRED}/model.safetensors"
REPAIRED_RUN = f"<results>/{REPAIRED}/run.json"
REPAIRED_ANSWERS = f"<results>/{REPAIRED}/answers.npy"

ALL_METRICS = [METRICS.format(**model) for model in plan.models]
ALL_METRICS_RUNS = [METRICS_RUN.format(**model) for model in plan.models]
assert (
    ALL_METRICS or plan.repairs or plan.scans
), "a config without a cell was let through"
TABLE = "<results>/tables/{table}.parquet"
RESULTS = TABLE.format(table="results")
PROVENANCE = TABLE.format(table="provenance")
DERIVED_TABLES = derived_names(plan.asked_of_tables)
REPORTED_TABLES = [
    TABLE.format(table=name) for name in reported_names(plan.asked_of_tables)
]
TABLES = [
    f"<results>/tables/{name}.{kind}"
    for name in (table_names(plan.asked_of_tables) if plan.studies else ())
    for kind in ("parquet", "csv")
]
# Weights of cells are not an input of any job: without this list, missing ones would not be made.
KEPT_MODELS = (
    [f"<results>/{folder_of(cell)}/{WEIGHTS}" for cell in plan.cells]
    if KEEPS_ALL
    else []
)
DECIDED = f"<results>/{DECISIONS}/{{study}}.json"
ALL_DECIDED = [DECIDED.format(study=study) for study in plan.rounds]
if ALL_DECIDED and RESULTS_FOLDER != plan.settings.results_folder:
    # The plan reads decisions from the results folder of the config.
    sys.exit(
        f"error: studies.{min(plan.rounds)} is adaptive (bisect, or seeds: until) and its results are in "
        f"{RESULTS_FOLDER}; allowed: results_folder, without a prefix of the module"
    )
FIGURES = [
    f"<results>/figures/{figure}.{kind}"
    for figure in plan.all_figures
    for kind in ("pdf", "png")
]
REPORT = "<results>/report.html"
REPORTS = [REPORT] if plan.studies else []
REPAIRS = [
    f"{HANDED_OVER}/repair.json".format(repair=repair) for repair in plan.repairs
]
SCANS = [f"{SCANNED}/scan.json".format(scan=scan) for scan in plan.scans]
