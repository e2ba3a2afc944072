"""What goes on inside a run, in the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from app.train.run_history import RunHistory
from app.train.widgets.exhibit_card import ExhibitCard
from app.train.widgets.inside import LEAST_HEIGHT
from detcore.jobs.events import LAYER_FIGURES, ClassLosses, Command, HardBatch, Layers, Validation
from detcore.project.project import Project
from tests.app.train.train_driving import IN_A_SMALL_WINDOW, LEFT, WAIT, has_steps, write_run


def open_run(qtbot: QtBot, page: TrainPage, context: AppContext, project: Project) -> str:
    write_run(project, [0.1, 0.3])
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    return page.run_list.selected


def test_it_is_folded_and_not_there_before_anything_is_told(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = open_run(qtbot, page, context, project)
    inside = page.run_view.inside
    assert inside.isHidden()
    page.histories.add(
        name, Layers(step=2, names=["stem"], figures={figure: [0.25] for figure in LAYER_FIGURES})
    )
    assert inside.isVisible()
    assert not inside.tabs.isVisible()


def test_layers_and_classes_are_listed_when_it_is_unfolded(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = open_run(qtbot, page, context, project)
    figures = {figure: [0.25, None] for figure in LAYER_FIGURES}
    page.histories.add(name, Layers(step=2, names=["stem", "head"], figures=figures))
    judged = {"coin": 0.9, "key": 0.4}
    page.histories.add(
        name, Validation(step=2, epoch=1.0, time=9.0, metrics={"AP": 0.65}, per_class=judged, best=True)
    )
    page.histories.add(name, ClassLosses(step=2, losses={"key": 0.75, "leaf": 1.5}))
    inside = page.run_view.inside
    inside.button.click()
    cells = [inside.layers.item(0, column).text() for column in range(7)]
    assert cells == ["stem", "0.25", "0.25", "25.0 %", "25.0 %", "0.25", "0.25"]
    assert inside.layers.item(1, 1).text() == "–"
    rows = [[inside.classes.item(row, column).text() for column in range(4)] for row in range(3)]
    assert rows == [
        ["key", "0.400", "0.300", "0.750"],
        ["coin", "0.900", "0.050", "–"],
        ["leaf", "–", "–", "1.500"],  # of which validation has no object
    ]
    heads = [inside.classes.horizontalHeaderItem(column).text() for column in range(4)]
    assert heads == ["Class", "AP", "AP lost", "Loss"]


def test_a_click_on_an_image_of_the_hardest_batch_opens_it_on_the_label_page(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = open_run(qtbot, page, context, project)
    image_id = project.image_ids()[1]
    page.run_view.inside.button.click()
    page.histories.add(name, HardBatch(step=2, loss=9.0, usual=3.0, images=[image_id, 10**6]))
    inside = page.run_view.inside
    qtbot.waitUntil(lambda: len(inside.findChildren(ExhibitCard)) == 1, timeout=WAIT)
    assert "loss 9, usually 3" in inside.about_batch.text()
    inside.tabs.setCurrentIndex(1)
    with qtbot.waitSignal(page.request_page) as asked:
        qtbot.mouseClick(inside.findChildren(ExhibitCard)[0], LEFT)
    assert asked.args == ["label"]
    assert context.view.image_id == image_id


def test_the_keyboard_opens_an_image_of_the_hardest_batch(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = open_run(qtbot, page, context, project)
    inside = page.run_view.inside
    inside.button.click()
    inside.tabs.setCurrentIndex(1)
    page.histories.add(name, HardBatch(step=2, loss=9.0, usual=3.0, images=project.image_ids()[:1]))
    qtbot.waitUntil(lambda: len(inside.findChildren(ExhibitCard)) == 1, timeout=WAIT)
    (card,) = inside.findChildren(ExhibitCard)
    with qtbot.waitSignal(page.request_page):
        qtbot.keyClick(card, Qt.Key.Key_Space)


def test_a_run_without_figures_does_not_show_those_of_the_one_before(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = open_run(qtbot, page, context, project)
    inside, figures = page.run_view.inside, {figure: [0.25] for figure in LAYER_FIGURES}
    page.histories.add(name, Layers(step=2, names=["stem"], figures=figures))
    inside.button.click()
    assert inside.layers.isVisible()
    other = RunHistory()
    other.add(HardBatch(step=2, loss=9.0, usual=3.0, images=[]))
    inside.show_history(other)
    assert not inside.layers.isVisible()
    assert "looked at now and then" in inside.tabs.currentWidget().currentWidget().text()


def test_in_a_small_window_the_plots_scroll_and_the_log_stays_in_sight(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    page.resize(IN_A_SMALL_WINDOW)
    name = open_run(qtbot, page, context, project)
    page.histories.add(name, HardBatch(step=2, loss=9.0, usual=3.0, images=[]))
    inside, log = page.run_view.inside, page.run_view.log
    qtbot.mouseClick(inside.button, LEFT)
    qtbot.waitUntil(
        lambda: (
            inside.tabs.height() >= LEAST_HEIGHT
            and log.visibleRegion().boundingRect().bottom() == log.height() - 1
        ),
        timeout=WAIT,
    )
    assert page.run_view.plots.visibleRegion().boundingRect().height() > 0
    assert page.size() == IN_A_SMALL_WINDOW


def test_a_training_is_asked_to_measure(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_run(qtbot, page, context, project)
    asked: list[tuple[Path, Command]] = []
    page.control.measure()
    monkeypatch.setattr(context.jobs, "request", lambda path, command: asked.append((path, command)))
    assert not asked
    run = project.runs_folder / "001-reticle-s"
    monkeypatch.setattr(context.jobs, "training", lambda _folder: run)
    page.control.measure()
    assert asked == [(run, Command.MEASURE)]
