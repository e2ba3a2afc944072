"""The settings of a training: the few that matter, and the rest folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.services.training_worker import Device
from app.train.widgets.more_settings import MoreSettings
from app.widgets.fold import Fold
from app.widgets.option_fields import OptionFields
from app.widgets.spin_boxes import Choice, DecimalNumber
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.zoo.catalogue import find_detector

LABEL_WIDTH = 96
MINUTES, EPOCHS = "minutes", "epochs"


class TrainSettings(QWidget):
    """Edits a ``TrainConfig``, all of it but the detector, which is chosen above.

    Signals:
        file_wanted(): the user wants to choose a weights file.
        fitted(DetectorSpec): the card of the detector is this one with the options that are chosen now.
    """

    file_wanted = Signal()
    fitted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = TrainConfig()
        self._spec = self._base.spec
        self._fitted_to: dict[str, Any] = {}
        self.length = DecimalNumber(0.1, 100_000, decimals=1)
        self.unit = Choice({MINUTES: "minutes", EPOCHS: "epochs"})
        self.device = Choice()
        self.device.setToolTip("Where to train. Automatic takes the fastest there is.")
        self.found = QLabel(wordWrap=True)
        self.found.setProperty("role", "small")
        self._devices: Sequence[Device] = ()
        self.options = OptionFields()
        self.fault = QLabel(wordWrap=True)
        self.fault.setProperty("role", "caution")
        self.fault.hide()
        self.more = MoreSettings()
        self._fold = Fold("More settings", self.more)
        self.more_button = self._fold.button
        self._build()
        self.more.file_wanted.connect(self.file_wanted)
        self.options.changed.connect(self._fit)
        self.more.options.changed.connect(self._fit)
        self.unit.currentIndexChanged.connect(self._show_unit)
        self.device.currentIndexChanged.connect(self._name_device)
        self.show_devices(())
        self.show_config(self._base)

    def config(self) -> TrainConfig:
        """What the fields say. Raises ConfigError when the values make no sense together."""
        in_minutes = self.unit.choice() == MINUTES
        base = self._base
        config = replace(
            base,
            detector=self._spec.id,
            options=self.chosen_options(),
            learning=replace(
                base.learning,
                minutes=self.length.value() if in_minutes else None,
                epochs=None if in_minutes else round(self.length.value()),
            ),
            runtime=replace(base.runtime, device=self.device.choice()),
        )
        return self.more.apply_to(config)

    def show_config(self, config: TrainConfig) -> None:
        """Set every field; what has no field is kept for ``config``."""
        self._base = config
        self._show_detector(config.detector, config.options)
        minutes, device = config.learning.minutes, config.runtime.device
        self.unit.set_choice(MINUTES if minutes is not None else EPOCHS)
        self.length.setValue(minutes if minutes is not None else config.learning.epochs or 1)
        if self.device.findData(device) < 0:
            self.device.addItem(device, device)
        self.device.set_choice(device)
        self.more.show_config(config)

    def choose_detector(self, name: str) -> None:
        """Take another detector, with the options that it comes with."""
        self._take_over(name, {})
        self._show_detector(name, {})

    def chosen_options(self) -> dict[str, Any]:
        """The options of the detector that are not as they come."""
        return {**self.options.values(), **self.more.options.values()}

    def choose_options(self, options: Mapping[str, Any]) -> None:
        """Other options of the same detector, as if they had been chosen in the fields."""
        self._show_options(options)
        self._fit()

    def start_from(self, weights: str, options: Mapping[str, Any]) -> None:
        """Start from these weights, with the ``options`` of the detector that they are of."""
        self._show_detector(self._spec.id, {**self.chosen_options(), **options})
        self.more.use_weights(weights)

    def show_devices(self, devices: Sequence[Device]) -> None:
        """The devices of this machine; none while they are being looked for."""
        chosen = self.device.choice() or "auto"
        self._devices = devices
        self.device.clear()
        self.device.addItem("Automatic", "auto")
        for device in devices:
            several = "," in device.id
            self.device.addItem(device.name if several else device.id.upper().replace(":", " "), device.id)
            self.device.setItemData(self.device.count() - 1, device.name, Qt.ItemDataRole.ToolTipRole)
        if self.device.findData(chosen) < 0:
            self.device.addItem(chosen, chosen)
        self.device.set_choice(chosen)
        self._name_device()

    def show_weights(self, runs: Sequence[tuple[str, Path]]) -> None:
        """What a training can start from: runs with their best weights, and published ones, by name."""
        self.more.show_weights(runs)

    def show_teachers(self, runs: Sequence[str]) -> None:
        """The runs that can teach another one, by name."""
        self.more.show_teachers(runs)

    def _show_detector(self, name: str, options: Mapping[str, Any]) -> None:
        """Show the options of this detector, as chosen, and say what "Auto" means for it."""
        self._spec = find_detector(name)
        self._show_options(options)
        self._fitted_to = dict(options) if self._say_fitted(options) else {}

    def _show_options(self, options: Mapping[str, Any]) -> None:
        items = self._spec.option_list()
        self.options.show_options([item for item in items if not item.advanced], options)
        self.more.show_options([item for item in items if item.advanced], options)

    def _fit(self) -> None:
        """The card is another one with other options, and so may be the settings that it brings."""
        chosen = self.chosen_options()
        if self._say_fitted(chosen):
            self._take_over(self._spec.id, chosen)
            self._fitted_to = chosen

    def _take_over(self, name: str, options: Mapping[str, Any]) -> None:
        """Settings that were as the card said until now become as the card of this detector says."""
        try:
            before = replace(self.config(), options=self._fitted_to)
            after = before.for_detector(name, options)
        except ConfigError:  # said where these options are shown, and where the training is started
            return
        if after.settings() != before.settings():
            self.more.show_config(after)

    def _say_fitted(self, options: Mapping[str, Any]) -> bool:
        """Say what "Auto" means with these options, or why they cannot be; whether they can."""
        try:
            spec = self._spec.fitted_to(options)
        except ConfigError as error:
            self.fault.setText(str(error))
            self.fault.show()
            return False
        self.fault.hide()
        self.more.show_detector(spec)
        self.fitted.emit(spec)
        return True

    def _build(self) -> None:
        length = QHBoxLayout()
        self.unit.setMinimumContentsLength(len(MINUTES) + 1)
        length.setSpacing(8)
        length.addWidget(self.length, 1)
        length.addWidget(self.unit, 0)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        form.setHorizontalSpacing(8)
        form.addRow(_label("Train for"), length)
        form.addRow(_label("Device"), self.device)
        form.addRow(_label(""), self.found)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(form)
        layout.addWidget(self.options)
        layout.addWidget(self.fault)
        layout.addWidget(self._fold)

    def _name_device(self) -> None:
        """Say what the chosen device is; automatic takes the first."""
        chosen = self.device.choice()
        names = [device.name for device in self._devices if chosen in ("auto", device.id)]
        self.found.setText(names[0] if names else "Not found here" if self._devices else "Looking for a GPU…")

    def _show_unit(self) -> None:
        in_minutes = self.unit.choice() == MINUTES
        self.length.setDecimals(1 if in_minutes else 0)
        self.length.setMinimum(0.1 if in_minutes else 1)


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setFixedWidth(LABEL_WIDTH)
    return label
