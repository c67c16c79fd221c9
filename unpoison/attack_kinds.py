"""The kinds of attack (column `attack`), by what is known of the poisons in a data set, and the words for them."""

PLANTED = "planted"
ON_SUSPECT_DATA = "planted on suspect data"
AS_FOUND = "as found"
AS_FOUND_LISTED = "as found, truth listed"
UNPOISONED = "unpoisoned"
KINDS = (PLANTED, ON_SUSPECT_DATA, AS_FOUND, AS_FOUND_LISTED, UNPOISONED)
FOUND = (AS_FOUND, AS_FOUND_LISTED)
UNPLANTED = (*FOUND, UNPOISONED)
# Attacks without an oracle: data as found has no known truth, and without poisons the oracle would train on all rows.
WITHOUT_ORACLE = (AS_FOUND, UNPOISONED)
# Each note is shown wherever numbers of its attack are shown.
NOTES = {
    ON_SUSPECT_DATA: "planted attack on suspect data: it measures the planted poisons alone; rows that were poisoned "
    "before it count as clean"
}
