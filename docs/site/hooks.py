"""Hooks of MkDocs: pages from outside docs/, links to the repository, and lists as GitHub reads them."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# Pages of the site whose files are elsewhere in the repository.
OUTSIDE = {
    "config.md": "config/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
PAGES = {page: file for page, file in OUTSIDE.items() if (ROOT / file).exists()}
PAGE_OF = {file: page for page, file in PAGES.items()}
CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<=\]\()[^)\s#]+")
ITEM = re.compile(r"(?:[-*+]|\d+\.) ")
PROSE = re.compile(rf"(?!{ITEM.pattern})[^\s|#<>]")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Return the settings with the last entries of the navigation: CONTRIBUTING.md, and the repository."""
    if config.nav:
        contributing = [{"Contributing": "contributing.md"}] if "contributing.md" in PAGES else []
        config.nav[-1]["Project"] += [*contributing, {"Source code": config.extra["repository"]}]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Return the files of the site with the pages from outside docs/."""
    for page, file in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the text of a page with links that the site can follow, and a blank line before each list."""
    origin = PAGES.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    parts = CODE.split(markdown)  # every second part is code
    parts[::2] = [
        LINK.sub(lambda link: _link(link[0], origin, page.file, files, config.extra["repository"]), part)
        for part in parts[::2]
    ]
    return _with_blank_lines("".join(parts))


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Return a page whose search dialog has a name for screen readers, which the theme omits."""
    dialog = 'data-md-component="search" role="dialog"'
    return output.replace(dialog, f'{dialog} aria-label="Search"')


def _link(link: str, origin: str, page: File, files: Files, repository: str) -> str:
    """Return a link of a repository file in the form of the site."""
    if re.match(r"[a-z]+:", link):
        return link
    target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
    found = files.get_file_from_path(PAGE_OF.get(target, target.removeprefix("docs/")))
    if found and found.inclusion.is_included():
        return posixpath.relpath(found.src_uri, posixpath.dirname(page.src_uri) or ".")
    if not (ROOT / target).exists():
        return link  # MkDocs reports it as broken
    kind = "tree" if (ROOT / target).is_dir() else "blob"
    return f"{repository}/{kind}/main/{target}"


def _with_blank_lines(markdown: str) -> str:
    """Return the text with a blank line between a paragraph and a list: Python-Markdown needs one, GitHub does not."""
    lines: list[str] = []
    is_code = False
    for line in markdown.splitlines():
        is_code ^= line.startswith("```")
        if not is_code and ITEM.match(line) and lines and PROSE.match(lines[-1]):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)
