"""The rules of the workflow by what they do: the only list of them outside of Snakemake's own files."""

ROLES = {"train_base": "do_nothing", "train_oracle": "oracle"}  # rules that make a reference model, and which
TRAININGS = (*ROLES, "train_surrogate")
CELLS = ("unlearn", "repair")  # repaired models
NETWORKS = (*TRAININGS, *CELLS)  # each takes about as long as one training, or less
# Rules that run a network, and ask for a GPU where there is one.
ON_GPU = (*NETWORKS, "tune", "score_rows", "perturb_images")
ON_CPU = ("prepare_source", "poison_dataset", "select_deletion", "measure")
# Rules that make tables, figures and the report of all cells.
OF_ALL_CELLS = (
    "collect_results",
    "make_tables",
    "trace_records",
    "draw_figure",
    "draw_samples",
    "draw_training",
    "write_report",
)
RULES = (*ON_GPU, *ON_CPU, *OF_ALL_CELLS)
# Rules that are submitted to a cluster one by one: their jobs take minutes to hours, or come once.
ALONE = (*TRAININGS, "prepare_source", "perturb_images", "tune")
