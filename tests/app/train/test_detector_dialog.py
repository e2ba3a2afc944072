"""The list of detectors: found by words, walked by keys, grouped by what the user has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from app.services import training_worker
from app.services.context import AppContext
from app.train.detector_choice import DetectorChoice, detector_choices
from app.train.widgets.detector_dialog import CHOICE_ROLE, DetectorDialog
from detcore.weights.cache import WeightsCache
from detcore.zoo.spec import Cost
from detcore.zoo.specs import fcos, reticle, retinanet
from tests.app.train import describing_worker

PLUG_IN = replace(
    reticle.S,
    id="blob",
    title="Blob",
    licence="MIT",
    text="For round things.",
    build="no_such_net:build",
)
MakeDialog = Callable[..., DetectorDialog]


@pytest.fixture
def make_dialog(qtbot: QtBot, context: AppContext, tmp_path: Path) -> MakeDialog:
    def make(model: str = "reticle-s") -> DetectorDialog:
        specs = [PLUG_IN, fcos.SPEC, reticle.S_PRETRAINED, reticle.S, retinanet.SPEC]
        choices = detector_choices(specs, WeightsCache(tmp_path))
        dialog = DetectorDialog(choices, model, context)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    return make


def rows(dialog: DetectorDialog) -> list[str]:
    return [dialog.list.item(row).text() for row in range(dialog.list.count())]


def test_detectors_stand_in_groups_by_what_they_want_and_what_is_missing_comes_last(
    make_dialog: MakeDialog,
) -> None:
    assert rows(make_dialog()) == [
        "From nothing, on a processor",
        "Reticle S",
        "With published weights",
        "Reticle S, pretrained",
        "Wants a GPU",
        "FCOS",
        "RetinaNet",
        "Needs an install",
        "Blob",
    ]


def test_words_find_by_title_group_licence_and_use(qtbot: QtBot, make_dialog: MakeDialog) -> None:
    dialog = make_dialog()
    for typed, found in (
        ("retina", ["Wants a GPU", "RetinaNet"]),
        ("torchvision anchors", ["Wants a GPU", "FCOS", "RetinaNet"]),
        ("mit", ["Needs an install", "Blob"]),
        ("round plug-in", ["Needs an install", "Blob"]),
        ("nothing like it", []),
    ):
        dialog.field.setText(typed)
        assert rows(dialog) == found
    assert dialog.choice is None
    assert not dialog.ok.isEnabled()
    assert dialog.text.text() == "No detector has these words."


def test_the_arrows_typed_in_the_field_walk_over_heads_and_enter_chooses(
    qtbot: QtBot, make_dialog: MakeDialog
) -> None:
    dialog = make_dialog()
    assert dialog.choice is not None
    assert dialog.choice.spec is reticle.S
    assert isinstance(dialog.focusWidget(), QLineEdit)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    assert dialog.choice.spec is reticle.S_PRETRAINED
    assert dialog.text.text() == reticle.S_PRETRAINED.text
    qtbot.keyClick(dialog.field, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.choice.spec is reticle.S_PRETRAINED


def test_it_opens_at_the_detector_chosen_and_escape_leaves_that(
    qtbot: QtBot, make_dialog: MakeDialog
) -> None:
    dialog = make_dialog("retinanet")
    assert dialog.choice is not None
    assert dialog.choice.spec is retinanet.SPEC
    qtbot.keyClick(dialog.field, Qt.Key.Key_Escape)
    assert dialog.result() == QDialog.DialogCode.Rejected


def test_a_detector_whose_library_is_missing_says_what_to_install_and_cannot_be_chosen(
    qtbot: QtBot, make_dialog: MakeDialog
) -> None:
    dialog = make_dialog()
    dialog.field.setText("blob")
    assert not dialog.ok.isEnabled()
    assert "no_such_net" in dialog.text.text()
    assert "is not installed. Install " in dialog.text.text()
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.mouseDClick(
        dialog.list.viewport(),
        Qt.MouseButton.LeftButton,
        pos=dialog.list.visualItemRect(dialog.list.item(1)).center(),
    )
    assert dialog.isVisible()


def test_each_row_is_read_out_with_group_use_size_and_licence(make_dialog: MakeDialog) -> None:
    dialog = make_dialog()
    said = [
        dialog.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole)
        for row in range(dialog.list.count())
        if dialog.list.item(row).data(CHOICE_ROLE) is not None
    ]
    assert said[2] == (
        f"FCOS, torchvision, Wants a GPU. {fcos.SPEC.text} 32.1 M parameters, 80 G multiply-adds, 6.5 GB of memory to train, "
        "weights to get, BSD-3-Clause"
    )
    assert "no_such_net" in said[-1]
    assert dialog.list.accessibleName()
    assert dialog.field.accessibleName()


def test_memory_to_train_is_that_of_parameters_and_of_what_layers_keep(tmp_path: Path) -> None:
    spec = replace(
        reticle.S,
        parameters=10.0,
        recipe=replace(reticle.S.recipe, batch_size=8),
        cost=Cost(macs=1.0, values=25.0),
    )
    # 4 bytes of 4 × 10 M numbers and of 8 images of 25 M each, and 0.9 GB of the program
    assert DetectorChoice(spec=spec, group="").memory == "1.9 GB"
    assert DetectorChoice(spec=replace(spec, cost=Cost()), group="").memory == "–"


def test_how_fast_it_is_here_is_measured_when_asked_for_and_kept(
    qtbot: QtBot, context: AppContext, make_dialog: MakeDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    command = [sys.executable, describing_worker.__file__]
    monkeypatch.setattr(training_worker, "worker_command", lambda *_words: command)
    dialog = make_dialog()
    assert context.settings.speed("reticle-s") is None
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.keyClick(dialog.field, Qt.Key.Key_M, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(dialog.busy.isVisible)
    assert dialog.said.text() == "Measuring Reticle S…"
    qtbot.waitUntil(lambda: not dialog.busy.isVisible(), timeout=20_000)
    assert dialog.said.text() == "Reticle S: 41 images a second"
    assert context.settings.speed("reticle-s") == describing_worker.SPEED
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.mouseClick(dialog.measure, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.measure, Qt.MouseButton.LeftButton)  # stops it
    assert not dialog.busy.isVisible()
    assert context.settings.speed("reticle-s-pretrained") is None
