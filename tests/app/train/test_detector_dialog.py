"""The list of detectors: found by words, walked by keys, grouped by whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.detector_choice import detector_choices
from app.train.widgets.detector_dialog import CHOICE_ROLE, DetectorDialog
from detcore.zoo.specs import fcos, reticle, retinanet

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
def make_dialog(qtbot: QtBot, context: AppContext) -> MakeDialog:
    def make(model: str = "reticle-s") -> DetectorDialog:
        choices = detector_choices([PLUG_IN, reticle.S, fcos.SPEC, retinanet.SPEC])
        dialog = DetectorDialog(choices, model, context.theme)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    return make


def rows(dialog: DetectorDialog) -> list[str]:
    return [dialog.list.item(row).text() for row in range(dialog.list.count())]


def test_detectors_stand_in_groups_by_whose_they_are_and_plug_ins_come_last(make_dialog: MakeDialog) -> None:
    expected = ["Reticle", "Reticle S", "torchvision", "FCOS", "RetinaNet", "Plug-ins", "Blob"]
    assert rows(make_dialog()) == expected


def test_words_find_by_title_group_licence_and_use(qtbot: QtBot, make_dialog: MakeDialog) -> None:
    dialog = make_dialog()
    for typed, found in (
        ("retina", ["torchvision", "RetinaNet"]),
        ("torchvision anchors", ["torchvision", "FCOS", "RetinaNet"]),
        ("mit", ["Plug-ins", "Blob"]),
        ("round", ["Plug-ins", "Blob"]),
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
    assert dialog.choice.spec is fcos.SPEC
    assert dialog.text.text() == fcos.SPEC.text
    qtbot.keyClick(dialog.field, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.choice.spec is fcos.SPEC


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
    assert said[1] == f"FCOS, torchvision. {fcos.SPEC.text} 32.1 M parameters, BSD-3-Clause"
    assert "no_such_net" in said[-1]
    assert dialog.list.accessibleName()
    assert dialog.field.accessibleName()
