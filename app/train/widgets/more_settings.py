"""The settings of a training that most people leave alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QWidget

from app.widgets.option_fields import LABEL_WIDTH, OptionFields
from app.widgets.spin_boxes import Choice, DecimalNumber, WholeNumber
from detcore.jobs.config import SETTINGS, TrainConfig
from detcore.zoo.spec import SIDE_STEP, DetectorSpec

CHOOSE_FILE = "choose"


class MoreSettings(QWidget):
    """A form below "More settings".

    Signals:
        file_wanted(): "Choose a file…" was chosen as the weights to start from.
    """

    file_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.weights = Choice()
        self.image_size = WholeNumber(
            2 * SIDE_STEP - 1, int(SETTINGS["image_size"].high), step=SIDE_STEP, auto="Auto"
        )
        self.batch_size = WholeNumber(0, 1024, auto="Auto")
        self.learning_rate = DecimalNumber(0, 1, step=0.0005, decimals=5, auto="Auto")
        self.seed = WholeNumber(0, 2**31 - 1)
        self.precision = Choice(dict(SETTINGS["precision"].choices))
        self.validate_every = DecimalNumber(0, 86_400, step=10, decimals=0, auto="Auto")
        self.validate_every.setSuffix(" s")
        self.flip_horizontal = _check_box("flip_horizontal")
        self.flip_vertical = _check_box("flip_vertical")
        self.colour_jitter = _check_box("colour_jitter")
        self.scale_jitter = WholeNumber(0, 100, step=5)
        self.scale_jitter.setPrefix("± ")
        self.scale_jitter.setSuffix(" %")
        self.mosaic = WholeNumber(0, 100, step=10)
        self.mosaic.setSuffix(" %")
        self.ema = _check_box("ema")
        self.predict_after = _check_box("predict_after")
        self.options = OptionFields()
        self._previous_weights = 0
        self._build()
        self.show_weights(())
        self.weights.activated.connect(self._choose_weights)

    def show_detector(self, spec: DetectorSpec, options: Mapping[str, Any]) -> None:
        """Say what "Auto" is for this detector, and show its advanced options as chosen."""
        self.options.show_options([item for item in spec.option_list() if item.advanced], options)
        self.image_size.setSpecialValueText(f"Auto ({spec.input.image_size} px)")
        self.batch_size.setSpecialValueText(f"Auto ({spec.recipe.batch_size})")
        self.learning_rate.setSpecialValueText(f"Auto ({spec.recipe.learning_rate:g})")
        self.weights.setToolTip(spec.weights.text)

    def show_config(self, config: TrainConfig) -> None:
        learning, augmentation, runtime = config.learning, config.augmentation, config.runtime
        self.image_size.set_number(learning.image_size)
        self.batch_size.set_number(learning.batch_size)
        self.learning_rate.set_number(learning.learning_rate)
        self.ema.setChecked(learning.ema)
        self.use_weights(learning.weights or "")
        self.flip_horizontal.setChecked(augmentation.flip_horizontal)
        self.flip_vertical.setChecked(augmentation.flip_vertical)
        self.colour_jitter.setChecked(augmentation.colour_jitter)
        self.scale_jitter.setValue(round(100 * augmentation.scale_jitter))
        self.mosaic.setValue(round(100 * augmentation.mosaic))
        self.seed.setValue(runtime.seed)
        self.precision.set_choice(runtime.precision)
        self.validate_every.set_number(runtime.validate_every_seconds)
        self.predict_after.setChecked(runtime.predict_after)

    def apply_to(self, config: TrainConfig) -> TrainConfig:
        """The config with the values of these fields. Raises ConfigError."""
        return replace(
            config,
            learning=replace(
                config.learning,
                image_size=self.image_size.number(),
                batch_size=self.batch_size.number(),
                learning_rate=self.learning_rate.number(),
                ema=self.ema.isChecked(),
                weights=self.weights.choice() or None,
            ),
            augmentation=replace(
                config.augmentation,
                flip_horizontal=self.flip_horizontal.isChecked(),
                flip_vertical=self.flip_vertical.isChecked(),
                colour_jitter=self.colour_jitter.isChecked(),
                scale_jitter=self.scale_jitter.value() / 100,
                mosaic=self.mosaic.value() / 100,
            ),
            runtime=replace(
                config.runtime,
                seed=self.seed.value(),
                precision=self.precision.choice(),
                validate_every_seconds=self.validate_every.number(),
                predict_after=self.predict_after.isChecked(),
            ),
        )

    def show_weights(self, runs: Sequence[tuple[str, Path]]) -> None:
        """What to start from: a text, and the file or the name of published weights."""
        chosen = self.weights.choice()
        self.weights.clear()
        self.weights.addItem("Nothing (random)", "")
        for name, path in runs:
            self.weights.addItem(name, str(path))
        self.weights.addItem("Choose a file…", CHOOSE_FILE)
        self.use_weights(chosen)

    def use_weights(self, path: str) -> None:
        """Start from a file; "" for none."""
        if self.weights.findData(path) < 0:
            self.weights.insertItem(self.weights.count() - 1, Path(path).name, path)
        self.weights.set_choice(path)
        self._previous_weights = self.weights.currentIndex()

    def _choose_weights(self, row: int) -> None:
        if self.weights.itemData(row) != CHOOSE_FILE:
            self._previous_weights = row
            return
        self.weights.setCurrentIndex(self._previous_weights)
        self.file_wanted.emit()

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        form.setHorizontalSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for name, field in (
            ("weights", self.weights),
            ("image_size", self.image_size),
            ("batch_size", self.batch_size),
            ("learning_rate", self.learning_rate),
            ("precision", self.precision),
            ("validate_every_seconds", self.validate_every),
            ("seed", self.seed),
            ("scale_jitter", self.scale_jitter),
            ("mosaic", self.mosaic),
        ):
            label = QLabel(SETTINGS[name].label)
            label.setFixedWidth(LABEL_WIDTH)
            form.addRow(label, field)
        form.addRow(self.options)
        for box in (
            self.flip_horizontal,
            self.flip_vertical,
            self.colour_jitter,
            self.ema,
            self.predict_after,
        ):
            form.addRow(box)


def _check_box(name: str) -> QCheckBox:
    box = QCheckBox(SETTINGS[name].label)
    box.setToolTip(SETTINGS[name].help)
    return box
