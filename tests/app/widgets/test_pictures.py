"""Which small pictures are made, in which order, and how long they stay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.services.tasks import Tasks
from app.widgets.pictures import Pictures, shrink
from detcore.errors import ImageError


class Maker:
    """Makes a text of each part once it is let go, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.open = threading.Event()

    def __call__(self, path: Path, parts: Sequence[int]) -> dict[int, str]:
        self.asked.append((path.name, sorted(parts)))
        self.open.wait(10.0)
        if path.name == "broken":
            raise ImageError("broken image", path=path)
        return {part: f"{path.name} {part}" for part in parts}


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def pictures(qtbot: QtBot, maker: Maker) -> Iterator[Pictures[int, str]]:
    tasks = Tasks()
    yield Pictures(tasks, maker, kept=3)
    maker.open.set()
    tasks.shut_down()


class ByHand(Tasks):
    """Does one piece of work after the other, when it is told to: threads would finish them in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[Callable[[], Any], Callable[[Any], object]]] = []

    def run(self, call: Callable[[], Any], *, done: Callable[[Any], object], failed: object) -> None:  # type: ignore[override]
        self.waiting.append((call, done))

    def work(self) -> None:
        """Do all of it, and what it asks for; it is handed over once nothing more is asked for."""
        QTest.qWait(0)
        while self.waiting:
            call, done = self.waiting.pop(0)
            done(call())


@pytest.mark.usefixtures("qapp")
def test_a_file_is_read_once_for_all_its_parts(maker: Maker) -> None:
    tasks = ByHand()
    pictures = Pictures[int, str](tasks, maker, kept=4)
    maker.open.set()
    for name in ("a", "b", "c"):
        pictures.request(Path(name), 1)
    assert pictures.request(Path("c"), 2) is None
    QTest.qWait(0)
    pictures.request(Path("b"), 1)  # painted again while it is being read
    tasks.work()
    assert (pictures.request(Path("c"), 1), pictures.request(Path("c"), 2)) == ("c 1", "c 2")
    assert maker.asked == [("c", [1, 2]), ("b", [1]), ("a", [1])]


@pytest.mark.usefixtures("qapp")
def test_two_files_are_read_at_a_time_and_what_was_asked_for_last_comes_first(maker: Maker) -> None:
    tasks = ByHand()
    pictures = Pictures[int, str](tasks, maker, kept=3)
    maker.open.set()
    for name in ("a", "b", "c", "d", "e"):
        pictures.request(Path(name), 1)
    assert not tasks.waiting  # the list that asks is painted first
    QTest.qWait(0)
    assert len(tasks.waiting) == 2
    tasks.work()
    assert [name for name, _ in maker.asked] == ["e", "d", "c", "b", "a"]


def test_the_latest_pictures_stay(pictures: Pictures[int, str], maker: Maker, qtbot: QtBot) -> None:
    maker.open.set()
    for name in ("a", "b", "c"):
        with qtbot.waitSignal(pictures.arrived, timeout=5000):
            pictures.request(Path(name), 1)
    assert pictures.request(Path("a"), 1) == "a 1"  # shown again, so b is the oldest
    with qtbot.waitSignal(pictures.arrived, timeout=5000):
        pictures.request(Path("d"), 1)
    assert pictures.request(Path("a"), 1) == "a 1"
    assert pictures.request(Path("b"), 1) is None


def test_a_broken_file_is_tried_once_until_another_project_is_shown(
    pictures: Pictures[int, str], maker: Maker, qtbot: QtBot
) -> None:
    maker.open.set()
    pictures.request(Path("broken"), 1)
    with qtbot.waitSignal(pictures.arrived, timeout=5000):
        pictures.request(Path("a"), 1)
    qtbot.waitUntil(lambda: len(maker.asked) == 2, timeout=5000)
    qtbot.wait(50)
    pictures.request(Path("broken"), 1)
    assert len(maker.asked) == 2
    pictures.clear()
    pictures.request(Path("broken"), 1)
    qtbot.waitUntil(lambda: len(maker.asked) == 3, timeout=5000)


def test_thumbnails_are_as_large_as_asked_for_and_never_larger_than_the_image(image_folder: Path) -> None:
    found = shrink(next(image_folder.iterdir()), [40, 5000])
    assert max(found[40].width(), found[40].height()) == 40
    assert max(found[5000].width(), found[5000].height()) < 5000


@pytest.mark.usefixtures("qapp")
def test_pictures_of_a_file_that_was_replaced_are_made_anew(maker: Maker) -> None:
    tasks = ByHand()
    pictures = Pictures[int, str](tasks, maker, kept=4)
    maker.open.set()
    for name in ("a", "b"):
        pictures.request(Path(name), 1)
    tasks.work()
    pictures.forget(Path("a"))
    assert pictures.request(Path("a"), 1) is None
    assert pictures.request(Path("b"), 1) == "b 1"
    tasks.work()
    assert pictures.request(Path("a"), 1) == "a 1"
