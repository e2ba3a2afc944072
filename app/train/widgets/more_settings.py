"""The settings of a training that most people leave alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.widgets.fold import Fold
from app.widgets.option_fields import LABEL_WIDTH, OptionFields
from app.widgets.spin_boxes import Choice
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.headings import BASICS
from detcore.jobs.settings.learning import FROM_NOTHING
from detcore.jobs.settings.optimisation import DEFAULT_MILESTONES, OPTIMISERS, SCHEDULES
from detcore.jobs.settings.sections import GROUPS, SETTINGS
from detcore.options import Option
from detcore.zoo.spec import DetectorSpec

CHOOSE_FILE = "choose"
_ELSEWHERE = frozenset({"minutes", "epochs", "device", "weights", "teacher", "hard_negatives", "oversample"})
"""Settings with a place of their own: above, here, and on the card of errors that Review sent."""


class MoreSettings(QWidget):
    """A form below "More settings": what to start from and who teaches, the basic settings, the detector's own advanced options, and
    the other groups of settings, folded. All but the first is made from the declarations.

    Signals:
        file_wanted(): "Choose a file…" was chosen as the weights to start from.
        weights_chosen(str): the user has chosen these to start from.
        changed(): the user has chosen something else in a form.
    """

    file_wanted = Signal()
    weights_chosen = Signal(str)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.weights = Choice()
        self.teacher = Choice({"": "Nobody"})
        self.teacher.setToolTip(SETTINGS["teacher"].help)
        self.options = OptionFields()
        self._shown = {title: left for title, items in GROUPS.items() if (left := _with_fields(items))}
        self.groups = {title: OptionFields() for title in self._shown}
        self.folds = {title: Fold(title, form) for title, form in self.groups.items() if title != BASICS}
        self._previous_weights = 0
        self._spec: DetectorSpec | None = None
        self._build()
        self.show_config(TrainConfig())
        self.show_weights(())
        self.weights.activated.connect(self._choose_weights)
        for form in self.groups.values():
            form.changed.connect(self.changed)

    def show_options(self, options: Sequence[Option], chosen: Mapping[str, Any]) -> None:
        """The advanced options of the detector, as chosen."""
        self.options.show_options(options, chosen)

    def put_below_options(self, widget: QWidget) -> None:
        """Show something about the advanced options of the detector below them."""
        self._column.insertWidget(self._column.indexOf(self.options) + 1, widget)

    def show_detector(self, spec: DetectorSpec) -> None:
        """Say what "Auto" is for this detector."""
        self._spec = spec
        self.weights.setToolTip(spec.weights.text)
        self.weights.setItemText(0, _auto_text(spec))
        self._say_auto()

    def show_config(self, config: TrainConfig) -> None:
        values = config.settings()
        for title, form in self.groups.items():
            form.show_options(self._shown[title], values)
        self.use_weights(config.learning.weights or "")
        self._choose_teacher(config.learning.teacher)
        self._say_auto()

    def apply_to(self, config: TrainConfig) -> TrainConfig:
        """The config with the values of these fields. Raises ConfigError."""
        values = {item.name: item.default for items in self._shown.values() for item in items}
        for form in self.groups.values():
            values.update(form.values())
        return config.with_settings(
            {**values, "weights": self.weights.choice() or None, "teacher": self.teacher.choice()}
        )

    def show_weights(self, runs: Sequence[tuple[str, Path]]) -> None:
        """What to start from: a text, and the file or the name of published weights."""
        chosen = self.weights.choice()
        self.weights.clear()
        self.weights.addItem(_auto_text(self._spec), "")
        self.weights.addItem("Nothing (random)", FROM_NOTHING)
        for name, path in runs:
            self.weights.addItem(name, str(path))
        self.weights.addItem("Choose a file…", CHOOSE_FILE)
        self.use_weights(chosen)

    def show_teachers(self, runs: Sequence[str]) -> None:
        """The runs that can teach another one, by name."""
        chosen = self.teacher.choice()
        self.teacher.clear()
        self.teacher.addItem("Nobody", "")
        for name in runs:
            self.teacher.addItem(name, name)
        # one that is gone teaches nobody
        self.teacher.set_choice(chosen)

    def use_weights(self, path: str) -> None:
        """Start from a file; "" for none."""
        if self.weights.findData(path) < 0:
            self.weights.insertItem(self.weights.count() - 1, Path(path).name, path)
        self.weights.set_choice(path)
        self._previous_weights = self.weights.currentIndex()

    def _choose_teacher(self, name: str) -> None:
        if self.teacher.findData(name) < 0:  # before the list of runs is there
            self.teacher.addItem(name, name)
        self.teacher.set_choice(name)

    def _choose_weights(self, row: int) -> None:
        if self.weights.itemData(row) != CHOOSE_FILE:
            self._previous_weights = row
            self.weights_chosen.emit(self.weights.choice())
            return
        self.weights.setCurrentIndex(self._previous_weights)
        self.file_wanted.emit()

    def _say_auto(self) -> None:
        spec = self._spec
        if spec is None:
            return
        texts = {
            "image_size": f"Auto ({spec.input.image_size} px)",
            "batch_size": f"Auto ({spec.recipe.batch_size})",
            "learning_rate": f"Auto ({spec.recipe.learning_rate:g})",
            "freeze": _frozen_text(spec.recipe.frozen),
            "optimiser": f"Auto ({OPTIMISERS[spec.recipe.optimiser]})",
            "momentum": f"Auto ({spec.recipe.momentum:g})",
            "nesterov": f"Auto ({'yes' if spec.recipe.nesterov else 'no'})",
            "rho": f"Auto ({spec.recipe.rho:g})",
            "largest_step": f"Auto ({spec.recipe.largest_step:g})",
            "schedule": f"Auto ({SCHEDULES[spec.recipe.schedule]})",
            "weight_decay": f"Auto ({spec.recipe.weight_decay:g})",
            "rate_groups": _rates_text(spec.recipe.rate_groups),
            "milestones": f"Auto ({DEFAULT_MILESTONES})",
            "rate_expression": "such as (1 - t) ** 2",
        }
        for form in self.groups.values():
            form.say_auto(texts, {"optimiser": spec.recipe.optimiser, "schedule": spec.recipe.schedule})

    def _build(self) -> None:
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(_row("weights", self.weights))
        layout.addLayout(_row("teacher", self.teacher))
        layout.addWidget(self.groups[BASICS])
        layout.addWidget(self.options)
        for fold in self.folds.values():
            layout.addWidget(fold)


def _row(setting: str, field: QWidget) -> QHBoxLayout:
    label = QLabel(SETTINGS[setting].label)
    label.setFixedWidth(LABEL_WIDTH)
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(label)
    row.addWidget(field, 1)
    return row


def _auto_text(spec: DetectorSpec | None) -> str:
    """What a training starts from where nothing is chosen."""
    return f"Auto (an earlier run, else {(spec.weights.start if spec else '') or 'nothing'})"


def _frozen_text(frozen: Mapping[str, float]) -> str:
    """Which layers a detector's recipe freezes, and until when, as one would type it."""
    layers = (start if share >= 1 else f"{start}={share:g}" for start, share in frozen.items())
    return f"Auto ({', '.join(layers) or 'nothing'})"


def _rates_text(rates: Mapping[str, float]) -> str:
    """What a detector's recipe says of the rates by layer."""
    return f"Auto ({', '.join(f'{start}={share:g}' for start, share in rates.items()) or 'all alike'})"


def _with_fields(items: Sequence[Option]) -> tuple[Option, ...]:
    return tuple(item for item in items if item.name not in _ELSEWHERE)
