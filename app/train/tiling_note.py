"""What is said below the detector of the tiles in which a training would look at the images."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.services.context import AppContext
from app.services.figures import count_text
from app.train.widgets.setup import TrainSetup
from detcore.data.samples import split_samples, why_low_figure
from detcore.errors import ConfigError
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling, tiling_text
from detcore.jobs.settings.headings import BASICS
from detcore.jobs.settings.runtime import Runtime
from detcore.project.project import Project
from detcore.project.snapshot import take_snapshot


class TilingNote(QObject):
    """Keeps the note like the settings; the sizes of boxes are read whenever ``look`` is called, in the background."""

    def __init__(self, context: AppContext, setup: TrainSetup, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._setup = setup
        self._objects: ObjectSizes | None = None
        self._low_figure = ""
        context.document.opened.connect(self.look)
        context.document.closed.connect(lambda: self._show(None, ""))
        setup.detector.chosen.connect(lambda _model: self._say())
        setup.settings.more.groups[BASICS].changed.connect(self._say)

    def look(self) -> None:
        """Read the sizes of the boxes as they are now."""
        document = self._context.document
        if document.is_open:
            project = document.project
            self._context.tasks.run(
                lambda: _read(project),
                done=lambda found: self._take(project, *found),
                failed=lambda _error: self._take(project, None, ""),  # what is wrong is said when one trains
            )

    def _take(self, project: Project, objects: ObjectSizes | None, low_figure: str) -> None:
        if self._context.document.shows(project):
            self._show(objects, low_figure)

    def _show(self, objects: ObjectSizes | None, low_figure: str) -> None:
        self._objects, self._low_figure = objects, low_figure
        self._say()

    def _say(self) -> None:
        card, objects = self._setup.detector, self._objects
        try:
            config = self._setup.config()
        except ConfigError:  # as long as somebody types
            return
        tiling = None if objects is None else choose_tiling(config, objects)
        if objects is None or tiling is None:
            card.show_note("", "")
            return
        note = f"Looks at these images in tiles of {count_text(tiling.side)} px."
        reasons = [tiling_text(tiling, objects, image_size=config.size())]
        if self._low_figure:
            note += " Some have more objects than figures look at."
            reasons.append(self._low_figure)
        card.show_note(note, " ".join(reasons))


def _read(project: Project) -> tuple[ObjectSizes, str]:
    """Off the window's thread: the sizes of the boxes, and what is to be said of images with too many to judge by."""
    snapshot = take_snapshot(project)
    return ObjectSizes.of(snapshot), why_low_figure(split_samples(snapshot, seed=Runtime().seed).val)
