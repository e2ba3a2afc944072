"""Choosing a detector and its settings on the Train page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QDoubleSpinBox, QFileDialog, QLabel, QLineEdit, QScrollArea, QWidget
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from app.services.context import AppContext
from app.train.page import CONFIG_KEY, TrainPage
from app.train.widgets.detector_dialog import DetectorDialog
from app.widgets.file_text import FileText
from app.widgets.spin_boxes import Choice, DecimalNumber, WholeNumber
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.headings import BASICS
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.runtime import Runtime
from detcore.jobs.settings.sections import SETTINGS
from detcore.options import Option, Value
from detcore.project.project import Project
from detcore.zoo.catalogue import detectors
from tests.app.train.train_driving import IN_A_SMALL_WINDOW
from tests.app.worker_fakes import fake_workers
from tests.detcore.zoo.darknet.test_cfg import SMALL

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, monkeypatch: pytest.MonkeyPatch) -> TrainPage:
    fake_workers(monkeypatch)("good")
    page = TrainPage(context)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitExposed(page)
    context.actions.show_scope("train")
    page.entered()
    return page


def test_a_click_anywhere_on_the_card_opens_the_list_and_the_detector_chosen_there_is_trained(
    qtbot: QtBot, page: TrainPage
) -> None:
    def choose() -> None:
        dialog = page.findChild(DetectorDialog)
        assert dialog is not None
        qtbot.keyClicks(dialog.field, "fcos")
        qtbot.keyClick(dialog.field, Qt.Key.Key_Return)

    QTimer.singleShot(200, choose)
    qtbot.mouseClick(page.setup.detector.text, LEFT)
    assert page.setup.config().detector == "fcos"
    assert page.setup.detector.title.text() == "FCOS"
    assert "BSD-3-Clause" in page.setup.detector.figures.text()
    assert "FCOS" in page.setup.detector.button.accessibleName()


def test_weights_to_start_from_set_the_options_of_the_detector_that_they_are_of(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project, tmp_path: Path
) -> None:
    context.document.open(project)
    head = {"state": {"step": 1}, "model": "compose", "options": {"neck": "fpn"}}
    for name, model in (("mine", "compose"), ("other", "reticle-s")):
        head["model"] = model
        save_file({"a": np.zeros(1)}, tmp_path / name, metadata={"reticle": json.dumps(head)})
    settings, more = page.setup.settings, page.setup.settings.more
    page.setup.detector.choose("compose")
    settings.choose_options({"width": 96})
    settings.show_weights([(name, tmp_path / name) for name in ("other", "mine")])

    def choose(name: str) -> None:
        more.weights.setCurrentText(name)
        more.weights.activated.emit(more.weights.currentIndex())

    choose("other")
    choose("mine")
    qtbot.waitUntil(lambda: settings.chosen_options() == {"neck": "fpn"}, timeout=5000)
    assert context.messages.history[-1].text.startswith("The options of Put together are those of mine now")
    assert page.setup.config().first_weights == str(tmp_path / "mine")
    # what is chosen afterwards stays
    settings.choose_options({"neck": "bifpn"})
    assert page.setup.config().options == {"neck": "bifpn"}


def test_how_long_which_detector_and_on_what_are_in_sight_in_a_small_window(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    page.resize(IN_A_SMALL_WINDOW)
    context.document.open(project)
    setup, settings = page.setup, page.setup.settings
    qtbot.waitUntil(setup.buttons.divide.isVisible, timeout=5000)
    decisions = (setup.detector, settings.length, settings.device, setup.buttons.data, setup.buttons.start)
    for model in detectors():
        setup.detector.choose(model)
        setup.detector.show_note("Looks at these images in tiles of 1,088 px.", "")
        for widget in decisions:
            qtbot.waitUntil(lambda widget=widget: widget.visibleRegion().boundingRect() == widget.rect())
    assert page.size() == IN_A_SMALL_WINDOW


def test_while_a_training_runs_the_card_opens_no_list(qtbot: QtBot, page: TrainPage) -> None:
    page.setup.set_editable(False)
    with qtbot.assertNotEmitted(page.setup.detector.list_wanted):
        qtbot.mouseClick(page.setup.detector, LEFT)


def test_every_setting_that_has_a_field_goes_into_the_config_and_back(qtbot: QtBot, page: TrainPage) -> None:
    qtbot.mouseClick(page.setup.settings.more_button, LEFT)
    assert page.setup.settings.more.isVisible()
    config = TrainConfig(
        detector="ssdlite320",
        learning=Learning(
            minutes=None,
            epochs=7,
            image_size=416,
            batch_size=4,
            learning_rate=0.0005,
            ema=False,
            weights="/somewhere/best.safetensors",
            warmup_steps=9,
        ),
        augmentation=Augmentation(
            flip_horizontal=False, flip_vertical=True, scale_jitter=0.25, colour_jitter=False, mosaic=0.5
        ),
        runtime=Runtime(
            device="cpu", seed=3, precision="fp32", validate_every_seconds=30.0, predict_after=False
        ),
    )
    page.setup.show_config(config)
    assert page.setup.config() == config
    page.setup.show_config(TrainConfig())
    assert page.setup.config() == TrainConfig()


TEXTS = {"rate_groups": "backbone.=0.1", "milestones": "0.5, 0.75", "rate_expression": "1 - t"}
OTHER: dict[type[Any], Any] = {int: 7, float: 0.375, str: "/somewhere/best.safetensors"}


def other_value(item: Option) -> Any:
    """One that is allowed and not the default."""
    if item.kind is bool:
        return not item.default
    if item.name in TEXTS:
        return TEXTS[item.name]
    if item.name == "schedule":
        return "plateau"  # the last would need its expression
    if item.choices:
        return list(item.choices)[-1]
    if item.name == "tiles":
        return "640"
    return max(OTHER[item.kind], item.low) if item.kind is int else OTHER[item.kind]


def test_each_setting_goes_into_the_form_and_back_with_those_that_it_is_for(page: TrainPage) -> None:
    for name in SETTINGS.keys() - {"minutes", "epochs", "device"}:
        beside: dict[str, Value] = {
            other: list(values)[0] for other, values in SETTINGS[name].only_for.items()
        }
        config = TrainConfig().with_settings({**beside, name: other_value(SETTINGS[name])})
        assert config != TrainConfig()
        page.setup.show_config(config)
        assert page.setup.config() == config, name


def test_below_more_settings_the_basic_ones_are_in_sight_and_the_groups_folded(
    qtbot: QtBot, page: TrainPage
) -> None:
    more = page.setup.settings.more
    qtbot.mouseClick(page.setup.settings.more_button, LEFT)
    assert more.groups[BASICS].fields["image_size"].isVisible()
    size = more.groups[BASICS].fields["image_size"]
    assert isinstance(size, WholeNumber)
    assert size.text() == "Auto (320 px)"
    flip = more.groups["Images moved and turned"].fields["flip_vertical"]
    assert not flip.isVisible()
    qtbot.mouseClick(more.folds["Images moved and turned"].button, LEFT)
    assert flip.isVisible()
    page.setup.show_config(TrainConfig())
    qtbot.waitUntil(more.groups["Images moved and turned"].fields["flip_vertical"].isVisible)
    assert not more.groups["Optimiser"].fields["ema"].isVisible()


def test_layers_that_a_detector_freezes_by_itself_stand_in_the_field_as_one_would_type_them(
    page: TrainPage,
) -> None:
    freeze = page.setup.settings.more.groups["Optimiser"].fields["freeze"]
    assert isinstance(freeze, QLineEdit)
    assert freeze.placeholderText() == "Auto (nothing)"
    page.setup.show_config(TrainConfig(detector="reticle-s-pretrained"))
    freeze = page.setup.settings.more.groups["Optimiser"].fields["freeze"]
    assert isinstance(freeze, QLineEdit)
    assert freeze.placeholderText() == "Auto (backbone.)"  # the whole trunk, to the end


def test_the_fields_of_a_group_are_made_when_it_is_opened_and_its_settings_are_kept_before(
    qtbot: QtBot, page: TrainPage
) -> None:
    settings = page.setup.settings
    chosen = TrainConfig(augmentation=Augmentation(blur=0.25))
    page.setup.show_config(chosen)
    form = settings.more.groups["Colours and quality"]
    assert not form.findChildren(QDoubleSpinBox)
    assert page.setup.config().augmentation.blur == 0.25
    qtbot.mouseClick(settings.more_button, LEFT)
    assert not form.findChildren(QDoubleSpinBox)
    qtbot.mouseClick(settings.more.folds["Colours and quality"].button, LEFT)
    blur = form.fields["blur"]
    assert isinstance(blur, QDoubleSpinBox)
    assert blur.isVisible()
    assert blur.value() == 25
    blur.setValue(50)
    assert page.setup.config().augmentation.blur == 0.5


def test_names_of_settings_fit_beside_their_fields(qtbot: QtBot, page: TrainPage) -> None:
    for form in page.setup.settings.more.groups.values():
        for label in form.findChildren(QLabel):
            assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width(), label.text()


def test_the_options_of_a_detector_have_fields_and_go_into_the_config_and_back(
    qtbot: QtBot, page: TrainPage
) -> None:
    settings = page.setup.settings
    assert not settings.options.isVisible()  # Reticle S has none
    qtbot.mouseClick(settings.more_button, LEFT)
    page.setup.detector.choose("fcos")
    backbone = settings.options.fields["backbone"]
    assert isinstance(backbone, Choice)
    assert backbone.isVisible()
    assert [backbone.itemText(row) for row in range(backbone.count())] == [
        "ResNet-50",
        "ResNet-18",
        "MobileNetV3 large",
    ]
    assert page.setup.config().options == {}
    assert settings.more.options.fields["freeze_norm"].isVisible()
    radius = settings.more.options.fields["centre_radius"]
    assert isinstance(radius, DecimalNumber)
    assert (radius.minimum(), radius.maximum(), radius.value()) == (0.5, 5.0, 1.5)
    config = TrainConfig(
        detector="fcos", options={"backbone": "mobilenet_v3_large", "freeze_norm": True, "centre_radius": 2.5}
    )
    page.setup.show_config(config)
    assert page.setup.config() == config
    page.setup.detector.choose("faster-rcnn")
    assert page.setup.config().options == {}
    page.setup.detector.choose("ssdlite320")
    assert not settings.options.isVisible()


def test_settings_of_a_detector_that_is_not_installed_are_passed_over_with_a_word(
    page: TrainPage, context: AppContext, project: Project
) -> None:
    project.set_setting(CONFIG_KEY, {"model": "yolo9000"})
    context.document.open(project)
    assert "'yolo9000' is not installed" in context.messages.history[-1].text
    assert page.setup.config() == TrainConfig()


def test_the_settings_of_the_last_training_come_back_with_the_project(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    project.set_setting(CONFIG_KEY, {"model": "ssdlite320", "minutes": None, "epochs": 12})
    context.document.open(project)
    assert page.setup.config().learning.epochs == 12
    assert page.setup.detector.model == "ssdlite320"


def test_settings_of_another_version_are_passed_over_with_a_word(
    page: TrainPage, context: AppContext, project: Project
) -> None:
    project.set_setting(CONFIG_KEY, {"no_such_setting": 1})
    context.document.open(project)
    assert "no_such_setting" in context.messages.history[-1].text
    assert page.setup.config() == TrainConfig()


def test_the_device_is_found_and_named(qtbot: QtBot, page: TrainPage, context: AppContext) -> None:
    qtbot.waitUntil(lambda: bool(context.jobs.devices), timeout=30_000)
    assert page.setup.settings.found.text() == "CPU, 2 cores"


def test_with_more_settings_the_fields_end_where_the_buttons_do(qtbot: QtBot, page: TrainPage) -> None:
    setup = page.setup
    page.resize(1000, 640)

    def right(widget: QWidget) -> int:
        return widget.mapTo(setup, widget.rect().topRight()).x()

    ends = right(setup.buttons.start)
    area = setup.findChild(QScrollArea)
    assert area is not None
    bar = area.verticalScrollBar()
    for _unfolded in (True, False):
        qtbot.mouseClick(setup.settings.more_button, LEFT)
        qtbot.waitUntil(lambda: bar.isVisible() is setup.settings.more.isVisible())
        assert right(setup.settings.device) == ends
        assert right(setup.detector) == ends


def test_a_click_beside_the_fields_takes_the_focus_from_nobody(qtbot: QtBot, page: TrainPage) -> None:
    page.setup.settings.length.setFocus()
    area = page.setup.findChild(QScrollArea)
    assert area is not None
    qtbot.mouseClick(page.setup.choices, LEFT, pos=page.setup.choices.rect().bottomLeft() + QPoint(2, -2))
    assert page.setup.settings.length.hasFocus()
    assert not area.hasFocus()


def test_without_torch_the_page_says_how_to_get_it_and_so_does_the_button(
    qtbot: QtBot, context: AppContext, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "torchvision"):
        monkeypatch.setitem(sys.modules, name, None)
    fake_workers(monkeypatch)("good")
    page = TrainPage(context)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitExposed(page)
    context.actions.show_scope("train")
    page.entered()
    context.document.open(project)
    how = "Install it with: pip install 'reticle[train]'."
    qtbot.waitUntil(lambda: page.buttons.data.text().endswith(how), timeout=5000)
    qtbot.mouseClick(page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=5000)
    assert how in context.messages.history[-1].text


def test_a_network_of_ones_own_is_chosen_as_a_file_and_the_card_and_settings_follow_it(
    qtbot: QtBot, page: TrainPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup, settings = page.setup, page.setup.settings
    usual = setup.config()
    setup.detector.choose("darknet")
    assert "416 px" in setup.detector.figures.text()
    field = settings.options.fields["cfg"]
    assert isinstance(field, FileText)
    file = tmp_path / "own.cfg"
    file.write_text(SMALL.replace("[net]", "[net]\nhue=0.3"), encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    qtbot.mouseClick(field.button, LEFT)
    assert field.button.text() == "own.cfg"
    assert "64 px" in setup.detector.figures.text()
    config = setup.config()
    assert config.options == {"cfg": file.read_text(encoding="utf-8")}
    assert config.augmentation.hue == 0.3
    file.write_text("[net]\n[yolo", encoding="utf-8")
    qtbot.mouseClick(field.button, LEFT)
    assert "is no heading" in settings.fault.text()
    assert settings.fault.isVisibleTo(page)
    qtbot.mouseClick(field.without, LEFT)
    assert settings.fault.isHidden()
    assert "416 px" in setup.detector.figures.text()
    setup.detector.choose("reticle-s")
    assert setup.config() == usual


def test_a_file_that_is_no_text_is_refused_below_the_field_and_the_one_before_stays(
    qtbot: QtBot, page: TrainPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.setup.detector.choose("darknet")
    field = page.setup.settings.options.fields["cfg"]
    assert isinstance(field, FileText)
    field.set_text(SMALL)
    file = tmp_path / "photo.cfg"
    file.write_bytes(b"\xff\xd8\xff")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    qtbot.mouseClick(field.button, LEFT)
    assert "the file is no text" in field.fault.text()
    assert field.text() == SMALL
