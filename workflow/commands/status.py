"""Print what of a study is done, failed and left: `make status CONFIG=...`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from planning.read import plan_of_arguments
from planning.status import status

for line in status(plan_of_arguments()):
    print(line)
