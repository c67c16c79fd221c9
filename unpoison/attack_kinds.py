"""What is known of the poisons in a data set: the values of the column `attack`, and the words that go with them."""

PLANTED = "planted"
ON_SUSPECT_DATA = "planted on suspect data"
AS_FOUND = "as found"
AS_FOUND_LISTED = "as found, truth listed"
KINDS = (PLANTED, ON_SUSPECT_DATA, AS_FOUND, AS_FOUND_LISTED)
FOUND = (AS_FOUND, AS_FOUND_LISTED)  # nothing planted
# Stands wherever numbers of such an attack do.
NOTES = {
    ON_SUSPECT_DATA: "planted attack on suspect data: it measures the planted poisons alone; rows that were poisoned "
    "before it count as clean"
}


def note_of(attacks: set[str]) -> str:
    """The note that a figure or a caption of these kinds of attack must carry; empty where there is none."""
    return "; ".join(NOTES[kind] for kind in KINDS if kind in attacks and kind in NOTES)
