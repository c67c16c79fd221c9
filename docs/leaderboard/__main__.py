"""Write the leaderboard anew: `python -m docs.leaderboard`, in the project's folder."""

from docs.leaderboard import dataset
from docs.leaderboard.page import PAGE, filled

PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
dataset.write()
