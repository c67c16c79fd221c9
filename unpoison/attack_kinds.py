"""The kinds of attack (column `attack`), by what is known of the poisons in a data set, and the words for them."""

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
