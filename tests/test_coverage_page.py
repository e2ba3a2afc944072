"""docs/coverage.md names what is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PLACE = re.compile(r"`((?:app|detcore|tests)/[\w/.]+)`")


def test_every_file_that_the_page_of_the_notes_names_is_there() -> None:
    places = set(_PLACE.findall((ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")))
    assert len(places) > 60
    assert sorted(place for place in places if not (ROOT / place).exists()) == []
