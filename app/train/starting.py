"""Weights that were chosen to start from say which options the detector has: others they do not fit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from PySide6.QtCore import QObject

from app.services.context import AppContext
from app.train.widgets.setup import TrainSetup
from detcore.errors import ConfigError
from detcore.jobs.preparing.start_options import start_options
from detcore.zoo.catalogue import find_detector


class StartingFrom(QObject):
    """Sets the options when the user chooses weights, and says so; what is chosen afterwards stays."""

    def __init__(self, context: AppContext, setup: TrainSetup, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._setup = context, setup
        setup.settings.more.weights_chosen.connect(self.follow)

    def follow(self, weights: str) -> None:
        """Look into the weights, in the background."""
        model = self._setup.detector.model
        self._context.tasks.run(
            lambda: start_options(weights, model),
            done=lambda options: self._take(weights, model, options),
            failed=lambda error: self._context.messages.error(error, doing="look into the weights"),
        )

    def _take(self, weights: str, model: str, options: dict[str, Any]) -> None:
        settings = self._setup.settings
        if self._setup.detector.model != model or settings.more.weights.choice() != weights:
            return
        spec = find_detector(model)
        try:
            now = asdict(spec.read_options(settings.chosen_options()))
        except ConfigError:
            now = dict[str, Any]()
        if {**now, **options} != now:
            settings.choose_options({**now, **options})
            name = settings.more.weights.currentText()
            self._context.messages.info(
                f"The options of {spec.title} are those of {name} now: its weights fit no others."
            )
