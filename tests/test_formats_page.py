"""docs/formats.md says of each format what it declares."""

from __future__ import annotations

from pathlib import Path

from detcore.formats import all_formats
from detcore.formats.losses import BOX_FLAGS
from detcore.formats.spec import FormatSpec

PAGE = Path(__file__).resolve().parents[1] / "docs" / "formats.md"


def rows() -> dict[str, list[str]]:
    """The cells of each row of the table of formats behind the format's name."""
    blocks = PAGE.read_text(encoding="utf-8").split("\n\n")
    _, _, *lines = next(block for block in blocks if block.startswith("| format ")).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name.strip("`"): others for _, name, *others in cells}


def declared(spec: FormatSpec) -> list[str]:
    holds = spec.capabilities
    beside = "beside" if holds.kept_beside else "–"
    flags = [flag for flag in BOX_FLAGS if getattr(holds, flag)]
    outlines = [kind for kind in ("polygon", "rotated", "line", "points", "ellipse") if kind in holds.shapes]
    return [
        "✓" if spec.reader else "–",
        "✓" if spec.writer else "–",
        "✓" if len(flags) == len(BOX_FLAGS) else ", ".join(flags) or beside,
        "✓" if holds.verified else beside,
        "✓" if holds.verified_empty else "–",
        "✓" if holds.splits else "–",
        "✓" if holds.sizes else "–",
        ", ".join(outlines) or "–",
    ]


def test_the_page_of_formats_says_what_each_declares() -> None:
    assert rows() == {name: declared(spec) for name, spec in all_formats().items()}
