"""Text from users in what a run leaves: Snakemake's own report, logs, status and files in any locale."""

from html.parser import HTMLParser

ATTACK = "</script><script>alert('<!--<script>')</script> `x`_ |y| *z* .. raw:: html"


class Scripts(HTMLParser):
    """The text of each script of a page, as a browser finds their ends."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.inside = tag == "script"
        self.found += [""] * self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1] += data


def test_snakemakes_own_report_runs_no_text_of_the_config(project) -> None:
    plain = project.snakemake("--report", "plain.html")
    assert plain.returncode == 0, plain.stderr
    project.set("studies/imbalance/question", ATTACK)
    done = project.snakemake()
    assert done.returncode == 0, done.stderr
    told = project.snakemake("--report", "told.html")
    assert told.returncode == 0, told.stderr
    before, after = (
        Scripts((project.folder / name).read_text(encoding="utf-8")).found
        for name in ("plain.html", "told.html")
    )
    assert len(after) == len(before)
    (results,) = [script for script in after if "var results = {" in script]
    assert "alert(" in results, "the question is there, as text"
    assert "<script" not in results
    assert "system-message" not in results, "captions are reST without errors"
    report = (project.folder / "results/report.html").read_text(encoding="utf-8")
    assert "alert(" not in "".join(Scripts(report).found)
    assert "&lt;script&gt;alert(" in report
