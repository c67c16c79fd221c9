"""Print docs/results-format.md: `python workflow/commands/dictionary.py > docs/results-format.md`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from planning.dictionary import page

sys.stdout.reconfigure(encoding="utf-8")  # the page is a file of UTF-8 in any locale
print(page(), end="")
