"""Makes a static site in build/docs: the pages of docs/ with the guide, and the API of detcore from its docstrings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "docs"
GUIDE = ROOT / "resources" / "guide"
STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }
nav a { margin-right: 1.2em } a { color: #0b57a4 } img { max-width: 100% }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f3f4f6; border-radius: 4px; padding: 0 .25em }
pre { padding: .8em; overflow-x: auto } pre code { padding: 0 }
table { border-collapse: collapse } th, td { border: 1px solid #d5d9de; padding: .3em .6em; text-align: left }
"""


def pages() -> dict[str, Path]:
    """The file of each page by its name on the site, in the order of the menu."""
    others = sorted((ROOT / "docs").glob("*.md"))
    return {
        "index": ROOT / "README.md",
        "guide": GUIDE / "guide.md",
        **{path.stem: path for path in others},
        "contributing": ROOT / "CONTRIBUTING.md",
        "changelog": ROOT / "CHANGELOG.md",
    }


def page(name: str, text: str, menu: list[str]) -> str:
    """A page as HTML; pictures lie in images/, whichever file shows them."""
    body = MarkdownIt("commonmark").enable("table").render(text.replace("resources/guide/images/", "images/"))
    links = [f'<a href="{entry}.html">{title(entry)}</a>' for entry in menu]
    links.append('<a href="api/detcore.html">API</a>')
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Reticle: {title(name)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<nav>{''.join(links)}</nav>{body}</html>\n"
    )


def title(name: str) -> str:
    return "Reticle" if name == "index" else name.capitalize()


def write_pages(out: Path) -> None:
    """All but the API."""
    shutil.copytree(GUIDE / "images", out / "images")
    found = pages()
    for name, path in found.items():
        text = page(name, path.read_text(encoding="utf-8"), list(found))
        (out / f"{name}.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    # pdoc warns of types that modules import for type checkers alone; it shows their names all the same.
    pdoc = [sys.executable, "-W", "ignore::UserWarning", "-m", "pdoc", "--docformat", "google"]
    command = [*pdoc, "--no-show-source", "--output-directory", str(OUT / "api"), "detcore"]
    subprocess.run(command, cwd=ROOT, check=True)
    write_pages(OUT)
    sys.stdout.write(f"the site is {OUT / 'index.html'}\n")
