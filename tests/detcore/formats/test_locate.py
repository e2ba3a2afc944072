"""Finding the image that an annotation means."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from detcore.formats.common import locate


def test_looking_for_images_takes_no_longer_in_large_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The time of a look-up may not grow with the folder: names are compared once a file, not once a look-up."""
    for number in range(300):
        (tmp_path / f"{number}.jpg").touch()
    compared = itertools.count()
    plain = locate._key
    monkeypatch.setattr(locate, "_key", lambda name: (next(compared), plain(name))[1])
    finder = locate.ImageFinder([])
    for number in range(300):
        assert finder.by_stem(tmp_path, str(number)) == tmp_path / f"{number}.jpg"
    assert next(compared) <= 3 * 300
