"""The rules of the workflow, grouped by their work: the only list outside of the Snakefiles and the SLURM profile."""

REFERENCE_MODELS = {"train_base": "do_nothing", "train_oracle": "oracle"}  # the models that these rules make
TRAININGS = (*REFERENCE_MODELS, "train_surrogate")
CELLS = ("unlearn", "repair")
CHECKS = ("hold_out", "train_reference")  # of the held-out check
NETWORKS = (
    *TRAININGS,
    *CELLS,
    *CHECKS,
)  # each makes one network, and takes about as long as one training or less
# Rules that run a network, and request a GPU if there is one.
ON_GPU = (*NETWORKS, "tune", "score_rows", "perturb_images")
OF_TABLES = ("collect_results", "make_tables", "decide", "trace_records")
OF_ALL_CELLS = (  # these read the results of all cells
    *OF_TABLES,
    *("draw_figure", "draw_samples", "draw_training", "write_report"),
)
OF_SECONDS = (
    "poison_dataset",
    "select_deletion",
    "verify",
    "write_repair",
    "write_scan",
    "measure",
    *OF_ALL_CELLS,
)
RULES = ("prepare_source", *ON_GPU, *OF_SECONDS)
# Submitted to a cluster as single jobs: they take minutes to hours, or run once.
ALONE = ("prepare_source", *TRAININGS, "perturb_images", "tune")
