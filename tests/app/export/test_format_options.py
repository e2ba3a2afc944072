"""The options on the Export page are those that each format declares."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox
from pytestqt.qtbot import QtBot

from app.export.form import ExportForm
from detcore.formats.coco.writing import CocoOptions
from detcore.formats.voc.writing import VocOptions
from detcore.options import NoOptions


@pytest.fixture
def form(qtbot: QtBot) -> ExportForm:
    form = ExportForm()
    qtbot.addWidget(form)
    form.show()
    qtbot.waitExposed(form)
    return form


def test_each_format_starts_with_its_own_defaults_and_shows_its_own_fields(form: ExportForm) -> None:
    shown: dict[str, list[str]] = {}
    for name, button in form.formats.items():
        button.click()
        shown[name] = [
            field for field, widget in form.format_options[name].fields.items() if widget.isVisible()
        ]
        hidden = [page for other, page in form.format_options.items() if other != name]
        assert not any(page.isVisible() for page in hidden)
    expected = {
        "voc": ["coordinates", "jpeg", "trainval"],
        "coco": ["difficult_as_crowd", "polygon"],
        "createml": [],
    }
    assert {name: shown[name] for name in expected} == expected
    form.formats["createml"].click()
    assert form.options.own == NoOptions()
    form.formats["voc"].click()
    assert form.options.own == VocOptions()


def test_what_is_chosen_in_the_fields_is_what_is_written(qtbot: QtBot, form: ExportForm) -> None:
    form.formats["voc"].click()
    coordinates = form.format_options["voc"].fields["coordinates"]
    assert isinstance(coordinates, QComboBox)
    assert coordinates.currentText() == "Whole pixels"
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(coordinates, Qt.Key.Key_Down)
    assert form.options.own == VocOptions(coordinates="float")
    form.formats["coco"].click()
    crowd = form.format_options["coco"].fields["difficult_as_crowd"]
    assert isinstance(crowd, QCheckBox)
    with qtbot.waitSignal(form.changed):
        crowd.click()
    assert form.options.own == CocoOptions(difficult_as_crowd=True)
    assert crowd.toolTip() == "COCO evaluators then ignore them"
