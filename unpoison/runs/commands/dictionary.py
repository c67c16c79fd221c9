"""Print docs/results-format.md: `python -m unpoison.runs.commands.dictionary > docs/results-format.md`."""

import sys

from unpoison.runs.dictionary import page

sys.stdout.buffer.write(page().encode())  # the page is UTF-8 in any locale
