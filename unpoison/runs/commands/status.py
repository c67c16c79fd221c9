"""Print what of a study is done, failed and left: `make status CONFIG=...`."""

from unpoison.runs.read import plan_of_arguments
from unpoison.runs.status import status

for line in status(plan_of_arguments()):
    print(line)
