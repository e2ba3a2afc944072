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
from detcore.jobs.config import TrainConfig
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
        self.image_size = WholeNumber(2 * SIDE_STEP - 1, 4096, step=SIDE_STEP, auto="Auto")
        self.batch_size = WholeNumber(0, 1024, auto="Auto")
        self.learning_rate = DecimalNumber(0, 1, step=0.0005, decimals=5, auto="Auto")
        self.seed = WholeNumber(0, 2**31 - 1)
        self.precision = Choice({"auto": "Auto", "fp32": "32 bit", "bf16": "16 bit (bf16)"})
        self.validate_every = DecimalNumber(0, 86_400, step=10, decimals=0, auto="Auto")
        self.validate_every.setSuffix(" s")
        self.flip_horizontal = QCheckBox("Flip left and right")
        self.flip_vertical = QCheckBox("Flip top and bottom")
        self.colour_jitter = QCheckBox("Vary colours")
        self.scale_jitter = WholeNumber(0, 100, step=5)
        self.scale_jitter.setPrefix("± ")
        self.scale_jitter.setSuffix(" %")
        self.mosaic = WholeNumber(0, 100, step=10)
        self.mosaic.setSuffix(" %")
        self.ema = QCheckBox("Average the weights")
        self.ema.setToolTip("Keep a running average of the weights; it detects better than the last ones.")
        self.predict_after = QCheckBox("Predict when done")
        self.predict_after.setToolTip(
            "Find objects in all images with the best weights, for the Review page."
        )
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
        self.image_size.set_number(config.image_size)
        self.batch_size.set_number(config.batch_size)
        self.learning_rate.set_number(config.learning_rate)
        self.seed.setValue(config.seed)
        self.precision.set_choice(config.precision)
        self.validate_every.set_number(config.validate_every_seconds)
        self.flip_horizontal.setChecked(config.flip_horizontal)
        self.flip_vertical.setChecked(config.flip_vertical)
        self.colour_jitter.setChecked(config.colour_jitter)
        self.scale_jitter.setValue(round(100 * config.scale_jitter))
        self.mosaic.setValue(round(100 * config.mosaic))
        self.ema.setChecked(config.ema)
        self.predict_after.setChecked(config.predict_after)
        self.use_weights(config.weights or "")

    def apply_to(self, config: TrainConfig) -> TrainConfig:
        """The config with the values of these fields. Raises ConfigError."""
        return replace(
            config,
            image_size=self.image_size.number(),
            batch_size=self.batch_size.number(),
            learning_rate=self.learning_rate.number(),
            seed=self.seed.value(),
            precision=self.precision.choice(),
            validate_every_seconds=self.validate_every.number(),
            flip_horizontal=self.flip_horizontal.isChecked(),
            flip_vertical=self.flip_vertical.isChecked(),
            colour_jitter=self.colour_jitter.isChecked(),
            scale_jitter=self.scale_jitter.value() / 100,
            mosaic=self.mosaic.value() / 100,
            ema=self.ema.isChecked(),
            predict_after=self.predict_after.isChecked(),
            weights=self.weights.choice() or None,
        )

    def show_weights(self, runs: Sequence[tuple[str, Path]]) -> None:
        """Runs by name and the files of their best weights."""
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
        for text, field in (
            ("Start from", self.weights),
            ("Image size", self.image_size),
            ("Images a step", self.batch_size),
            ("Learning rate", self.learning_rate),
            ("Precision", self.precision),
            ("Validate every", self.validate_every),
            ("Random seed", self.seed),
            ("Vary size", self.scale_jitter),
            ("Mosaic", self.mosaic),
        ):
            label = QLabel(text)
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
