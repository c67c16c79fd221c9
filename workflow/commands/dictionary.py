"""Print docs/results-format.md: `python workflow/commands/dictionary.py > docs/results-format.md`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from planning.dictionary import page

print(page(), end="")
