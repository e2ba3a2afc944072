"""Published weights on the Train page: offered, got in the background, and what the next training starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.services.context import AppContext
from app.train.widgets.setup import TrainSetup
from app.train.widgets.weights_dialog import ask_weights
from detcore.errors import Cancelled
from detcore.weights.cache import Progress, default_cache
from detcore.weights.catalogue import WeightsFile, weights_files, weights_for
from detcore.weights.download import get_weights
from detcore.zoo.catalogue import find_detector


class PublishedWeights(QObject):
    """Fills the cache when the user asks for it, one file at a time.

    Signals:
        changed(): others are here, or for another detector.
    """

    changed = Signal()

    def __init__(self, context: AppContext, setup: TrainSetup, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._setup = context, setup
        setup.detector.weights_wanted.connect(self._offer)
        setup.detector.chosen.connect(self._follow_detector)

    def here(self) -> list[str]:
        """Names of those that the detector which is chosen can start from."""
        cache = default_cache()
        return [file.name for file in weights_for(self._setup.detector.model) if cache.has(file)]

    def _follow_detector(self, model: str) -> None:
        """What is of another detector is of no use to this one."""
        chosen = weights_files().get(self._setup.settings.more.weights.choice())
        if chosen is not None and chosen.detector != model:
            self._setup.settings.more.use_weights("")
        self.changed.emit()

    def _offer(self) -> None:
        setup, cache = self._setup, default_cache()
        spec = find_detector(setup.detector.model)
        options = spec.read_options(setup.settings.chosen_options())
        answer = ask_weights(setup, spec, weights_for(spec.id), asdict(options), cache)
        if isinstance(answer, Path):
            self._run(
                f"Reading {answer.name}",
                lambda progress: cache.add(answer, progress=progress),
                doing="take in the weights",
            )
        elif answer is not None:
            file = answer

            def work(progress: Progress) -> tuple[WeightsFile, ...]:
                get_weights(file, cache, progress=progress)
                return (file,)

            self._run(f"Getting {file.name}, {file.size_text}", work, doing="get the weights")

    def _run(self, title: str, work: Callable[[Progress], tuple[WeightsFile, ...]], *, doing: str) -> None:
        self._setup.detector.weights.setEnabled(False)
        self._context.tasks.run_with_progress(
            title, work, done=self._use, failed=lambda error: self._fail(error, doing)
        )

    def _use(self, files: tuple[WeightsFile, ...]) -> None:
        """Let the next training start from what came, if that is of the detector that is chosen: of several from one for
        its options, or else from the first."""
        self._end()
        settings, model = self._setup.settings, self._setup.detector.model
        options = asdict(find_detector(model).read_options(settings.chosen_options()))
        own = sorted(
            (file for file in files if file.detector == model), key=lambda file: not file.fits(options)
        )
        names, one = ", ".join(file.name for file in files), len(files) == 1
        here = f"{names} {'is' if one else 'are'} here"
        if own:
            settings.start_from(own[0].name, own[0].options)
            text = f"{here}. The next training starts from {'it' if one else own[0].name}."
        else:
            text = f"{here}, for all projects."
        self._context.messages.success(text)

    def _fail(self, error: Exception, doing: str) -> None:
        self._end()
        if isinstance(error, Cancelled):
            self._context.messages.info(str(error))
        else:
            self._context.messages.error(error, doing=doing)

    def _end(self) -> None:
        self._setup.detector.weights.setEnabled(True)
        self.changed.emit()
