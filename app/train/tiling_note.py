"""What is said below the detector of the tiles in which a training would look at the images, and of images that figures do
not see all of, and what becomes of a file that describes the detector."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.services.context import AppContext
from app.services.figures import count_text
from app.train.widgets.setup import TrainSetup
from detcore.data.samples import make_samples, why_low_figure
from detcore.errors import ConfigError
from detcore.evaluation.coco import MAX_DETECTIONS
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling, tiling_text
from detcore.jobs.settings.headings import BASICS
from detcore.project.project import Project
from detcore.project.snapshot import take_snapshot

_MOST_TOLD = 3


class TilingNote(QObject):
    """Keeps the note like the settings; the sizes of boxes are read whenever ``look`` is called, in the background.

    Signals:
        looked(): ``objects`` are others.
    """

    looked = Signal()

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
        setup.settings.fitted.connect(lambda _spec: self._say())

    @property
    def objects(self) -> ObjectSizes | None:
        """The sizes of the boxes of the project, as they were when it was looked at; ``None`` until then."""
        return self._objects

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
        self.looked.emit()

    def _say(self) -> None:
        card, objects = self._setup.detector, self._objects
        try:
            config = self._setup.config()
            told = self._told_of_options(config)
        except ConfigError:  # as long as somebody types, or a file describes nothing; said elsewhere
            card.show_note("", "")
            return
        notes: list[str] = []
        reasons: list[str] = []
        if objects is not None and (tiling := choose_tiling(config, objects)) is not None:
            notes.append(f"Looks at these images in tiles of {count_text(tiling.side)} px.")
            reasons.append(tiling_text(tiling, objects, image_size=config.size()))
        if self._low_figure:
            most = MAX_DETECTIONS[-1]
            notes.append(
                f"Some images have more than {most} objects of a class; AP counts the {most} best detections."
            )
            reasons.append(self._low_figure)
        if told:
            notes.append(
                f"Of the file: {'; '.join(told[:_MOST_TOLD])}{'; …' if len(told) > _MOST_TOLD else '.'}"
            )
            reasons.append("\n".join(told))
        card.show_note(" ".join(notes), "\n".join(reasons))

    def _told_of_options(self, config: TrainConfig) -> Sequence[str]:
        """What the detector makes of its options in this project. Raises ConfigError where they cannot be."""
        document = self._context.document
        if not document.is_open:
            return ()
        return config.spec.notes_on(config.options, classes=max(1, len(document.project.classes())))


def _read(project: Project) -> tuple[ObjectSizes, str]:
    """Off the window's thread: the sizes of the boxes, and what is to be said of images with too many in the val split. Which
    others a run would hold out is not known before."""
    snapshot = take_snapshot(project)
    judged = [image for image in snapshot.labelled_images if image.split == "val"]
    return ObjectSizes.of(snapshot), why_low_figure(make_samples(snapshot, judged))
