"""Hand over a repaired model: its weights under the network's own keys, what the repair changed, and the page."""

from typing import Any

import numpy as np

from unpoison.answers import read_answers
from unpoison.contracts.verification import in_words, read_verification
from unpoison.deletion import read_deletion
from unpoison.files import read_json, write_json, written_whole
from unpoison.handed_over_page import ToldOfRepair, repair_page_of
from unpoison.handing_over import HandedOver, summary_of, write_clean_list
from unpoison.jobs.inputs import check_inputs
from unpoison.report.repair_page import repair_page
from unpoison.rows import read_rows
from unpoison.weights import export_weights, load_model

COSTS = ("seconds", "image_passes", "forward_passes")


def main(snakemake: Any) -> None:
    """Write the weights, the list of retained rows, the page, and the summary, which is last."""
    check_inputs(snakemake)
    given, made, told = snakemake.input, snakemake.output, snakemake.params.told
    handed_over = handed_over_of(given)
    export_weights(made.weights, load_model(given.model))
    write_clean_list(made.clean, handed_over.rows, handed_over.deletion)
    summary = {
        **_method_of(given, snakemake.params.spec),
        "why": told["why"],
        **summary_of(handed_over),
    }
    images = np.load(given.images, mmap_mode="r")
    seconds = sum(read_json(file)["seconds"] or 0.0 for file in given.checks)
    page = repair_page(repair_page_of(handed_over, summary, images, ToldOfRepair(**told), seconds))
    with written_whole(made.page) as temporary:
        temporary.write_text(page, encoding="utf-8")
    write_json(made.summary, summary)
    print(in_words(handed_over.verification))


def handed_over_of(given: Any) -> HandedOver:
    """Return all that is known of a repair, from the inputs of the job."""
    before, after = (read_answers(file) for file in given.answers)
    told = read_json(given.runs[1])
    probed = given.get("probed")
    return HandedOver(
        read_rows(given.rows),
        read_deletion(given.deletion),
        before,
        after,
        read_answers(probed[0]) if probed else None,
        read_verification(given.verified),
        {name: told[name] for name in COSTS},
    )


def _method_of(given: Any, spec: Any) -> dict[str, Any]:
    """Return the method and its options as it was run, and whether the poisoned model was trained by the workflow."""
    return {
        "method": spec["method"],
        "options": read_json(given.runs[1])["spec"]["options"],
        "trained": spec["trained"],
    }
