"""The card of the detector says in what tiles large images would be looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.headings import BASICS
from detcore.project.edits import set_split
from detcore.project.project import Project
from tests.detcore.zoo.darknet.test_cfg import SMALL

WAIT = 30_000


def test_ordinary_images_need_no_word(qtbot: QtBot, open_page: TrainPage, project: Project) -> None:
    project.record_image_sizes({number: (640, 480) for number in project.image_ids()})
    open_page.tiling.look()
    qtbot.waitUntil(lambda: bool(open_page.tiling._objects), timeout=WAIT)
    assert open_page.setup.detector.note.isHidden()


def test_large_images_of_small_things_are_said_to_be_looked_at_in_tiles(
    qtbot: QtBot, open_page: TrainPage, project: Project, context: AppContext
) -> None:
    project.record_image_sizes({number: (4000, 3000) for number in project.image_ids()})
    open_page.tiling.look()
    note = open_page.setup.detector.note
    # a quarter of the boxes are 30 × 20, as large as a square of 24.5; to be 24 in 320 takes 326.6, in steps of 32
    qtbot.waitUntil(lambda: "tiles of 352 px" in note.text(), timeout=WAIT)
    assert "22 pixels long" in note.toolTip()  # 24.5 × 320 / 352
    assert note.isVisible()

    config = TrainConfig()
    open_page.setup.show_config(replace(config, learning=replace(config.learning, tiles="off")))
    open_page.setup.settings.more.groups[BASICS].changed.emit()
    assert note.isHidden()
    open_page.setup.show_config(config)
    open_page.setup.detector.choose("fcos")  # at 640, of which half are enough
    assert "tiles of 672 px" in note.text()

    context.document.close()
    assert note.isHidden()


def test_more_objects_than_figures_look_at_are_said_of_the_val_split_in_tiles_and_without(
    qtbot: QtBot, open_page: TrainPage, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.data.samples.MAX_DETECTIONS", (0,))
    note = open_page.setup.detector.note
    project.edit(set_split, dict.fromkeys(project.image_ids()))
    project.record_image_sizes({number: (4000, 3000) for number in project.image_ids()})
    open_page.tiling.look()
    qtbot.waitUntil(lambda: "tiles of 352 px" in note.text(), timeout=WAIT)
    assert "AP counts" not in note.text()  # which images a run would be judged by is not known

    project.edit(set_split, dict.fromkeys(project.image_ids(), "val"))
    project.record_image_sizes({number: (640, 480) for number in project.image_ids()})
    open_page.tiling.look()
    qtbot.waitUntil(lambda: "AP counts the 100 best detections" in note.text(), timeout=WAIT)
    assert "tiles" not in note.text()
    assert "more than 0 objects of one class" in note.toolTip()


def test_a_file_that_describes_the_network_is_said_to_be_made_for_the_classes_of_the_project(
    qtbot: QtBot, open_page: TrainPage, project: Project
) -> None:
    classes = len(project.classes())
    text = SMALL.replace("classes=2", "classes=9").replace("filters = 21", "filters = 42") + "resize=1.5\n"
    open_page.setup.show_config(TrainConfig().for_detector("darknet", {"cfg": text}))
    note = open_page.setup.detector.note
    wanted = f"Of the file: line 21: filters=42 → {3 * (5 + classes)}; line 27: classes=9 → {classes}; "
    qtbot.waitUntil(lambda: wanted in note.text(), timeout=WAIT)
    assert "not used here: line 29: resize=1.5" in note.toolTip()
    open_page.setup.show_config(replace(TrainConfig(), detector="darknet", options={"cfg": "[net]"}))
    open_page.setup.settings.more.groups[BASICS].changed.emit()
    assert note.isHidden()
