"""Write the tables of a page anew: `python -m unpoison.runs.commands.options config/README.md`."""

import sys
from pathlib import Path

from unpoison.runs.options import filled

if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
