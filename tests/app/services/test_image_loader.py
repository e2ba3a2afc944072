"""Which images are decoded, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.canvas.image_levels import ImageLevels
from app.services import image_loader
from app.services.image_loader import ImageLoader
from app.services.tasks import Tasks


class Gate:
    """Decoding that waits until it is let go, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.open = threading.Event()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    load = image_loader.load

    def wait(path: Path) -> ImageLevels:
        gate.begun.append(path.name)
        gate.open.wait(10.0)
        return load(path)

    monkeypatch.setattr(image_loader, "load", wait)
    return gate


@pytest.fixture
def loader(qtbot: QtBot, gate: Gate) -> Iterator[ImageLoader]:
    tasks = Tasks()
    yield ImageLoader(tasks)
    gate.open.set()
    tasks.shut_down()


def test_images_that_were_only_passed_are_not_decoded(
    qtbot: QtBot, loader: ImageLoader, gate: Gate, image_folder: Path
) -> None:
    paths = sorted(image_folder.iterdir())
    shown: list[Path] = []
    loader.loaded.connect(lambda path, _image: shown.append(path))
    for number in range(6):
        loader.request(paths[number], paths[number + 1 : number + 2])
    qtbot.waitUntil(lambda: len(gate.begun) == 3, timeout=5000)
    gate.open.set()
    qtbot.waitUntil(lambda: shown == [paths[5]], timeout=5000)
    assert len(gate.begun) == 4
    assert gate.begun[-1] == "img_5.jpg"


def test_what_one_page_waits_for_comes_though_another_asks_for_something_else(
    qtbot: QtBot, loader: ImageLoader, gate: Gate, image_folder: Path
) -> None:
    paths = sorted(image_folder.iterdir())
    shown: list[Path] = []
    loader.loaded.connect(lambda path, _image: shown.append(path))
    for path in paths[:4]:
        loader.request(path, by="one")
    loader.request(paths[4], by="other")
    gate.open.set()
    qtbot.waitUntil(lambda: len(shown) == 2, timeout=5000)
    assert sorted(shown) == paths[3:5]


def test_neighbours_do_not_keep_the_image_that_is_asked_for_waiting(
    qtbot: QtBot, loader: ImageLoader, gate: Gate, image_folder: Path
) -> None:
    paths = sorted(image_folder.iterdir())
    gate.open.set()
    with qtbot.waitSignal(loader.loaded, timeout=5000):
        loader.request(paths[0])
    gate.open.clear()
    gate.begun.clear()
    loader.request(paths[0], paths[1:5])
    qtbot.waitUntil(lambda: len(gate.begun) == 2, timeout=5000)
    loader.request(paths[5], paths[4:5])
    qtbot.waitUntil(lambda: len(gate.begun) == 3, timeout=5000)
    assert gate.begun[-1] == "img_5.jpg"


def test_what_is_decoded_while_everything_is_forgotten_is_thrown_away(
    qtbot: QtBot, loader: ImageLoader, gate: Gate, image_folder: Path
) -> None:
    path = image_folder / "img_0.jpg"
    loader.request(path)
    qtbot.waitUntil(lambda: bool(gate.begun), timeout=5000)
    loader.clear()
    with qtbot.assertNotEmitted(loader.loaded, wait=200):
        gate.open.set()
    assert loader.request(path) is None
