"""How well the anchors of a detector fit the boxes of the project, drawn below its options."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject

from app.plots.count_plot import CountPlot
from app.services.context import AppContext
from app.services.figures import counted, ratio_text
from app.services.tasks import ProgressCallback, Task
from app.services.timing import Debouncer
from app.train.tiling_note import TilingNote
from app.train.widgets.setup import TrainSetup
from detcore.errors import Cancelled, ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.box_options import box_sides
from detcore.jobs.preparing.tiling import ObjectSizes
from detcore.jobs.settings.headings import BASICS
from detcore.types import FloatArray
from detcore.zoo.anchors import fit_of, mean_ious
from detcore.zoo.spec import Anchors

MOST = 12
"""The curve goes on to so many anchors, to more where the detector has more."""
_PAUSE_MS = 250


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnchorFit:
    """The mean IoU of boxes with anchors: ``by_kmeans`` (K,) with 1 to K of them, and that of the ``chosen`` ones, of which there are
    ``count``; ``None`` where there are too few boxes to find them from."""

    by_kmeans: FloatArray
    count: int
    chosen: float | None
    from_boxes: bool

    @classmethod
    def of(
        cls, anchors: Anchors, objects: ObjectSizes, config: TrainConfig, *, progress: ProgressCallback
    ) -> AnchorFit:
        """Raises Cancelled."""
        sides, count = box_sides(objects, config), len(anchors.sizes)
        by_kmeans = mean_ious(sides, max(MOST, count), progress=progress)
        if not anchors.from_boxes:
            chosen = fit_of(sides, anchors.sizes).mean_iou
        else:
            chosen = float(by_kmeans[count - 1]) if count <= len(by_kmeans) else None
        return cls(by_kmeans=by_kmeans, count=count, chosen=chosen, from_boxes=anchors.from_boxes)

    def __str__(self) -> str:
        if self.chosen is None:
            return f"Too few boxes of unlike sizes to find {counted(self.count, 'anchor')} from."
        text = f"★ {counted(self.count, 'anchor')}: mean IoU {ratio_text(self.chosen)}"
        if not self.from_boxes and self.count <= len(self.by_kmeans):
            text += f", by k-means {ratio_text(float(self.by_kmeans[self.count - 1]))}"
        return f"{text}."


class AnchorFitting(QObject):
    """Keeps the plot like the options; found in the background while it is in sight. There is none where a detector has no
    anchors to choose, or the project no boxes."""

    def __init__(self, context: AppContext, setup: TrainSetup, tiling: TilingNote, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._setup, self._tiling = context, setup, tiling
        self.plot: CountPlot | None = None
        self._task: Task | None = None
        self._soon = Debouncer(self, self._find, pause_ms=_PAUSE_MS)
        tiling.looked.connect(self._follow)
        setup.settings.fitted.connect(lambda _spec: self._follow())
        setup.settings.more.groups[BASICS].changed.connect(self._follow)

    def _follow(self) -> None:
        """Other anchors, or other boxes."""
        self._leave()
        wanted = self._wanted()
        if wanted is None:
            if self.plot is not None:
                self.plot.hide()
            return
        if self.plot is None:
            self.plot = CountPlot("Mean IoU of boxes and anchors by k-means", "Anchors", self._context.theme)
            self._setup.settings.more.put_below_options(self.plot)
            self.plot.seen.connect(self._soon.ask)
        self.plot.say("Looking how well they fit…")
        self.plot.show()
        if self.plot.isVisible():
            self._soon.ask()

    def _wanted(self) -> tuple[Anchors, ObjectSizes, TrainConfig] | None:
        objects = self._tiling.objects
        if objects is None or not len(objects):
            return None
        try:
            config = self._setup.config()
            anchors = config.spec.anchors_with(config.options)
        except ConfigError:  # as long as somebody types; said elsewhere
            return None
        return None if anchors is None else (anchors, objects, config)

    def _find(self) -> None:
        self._leave()
        wanted = self._wanted()
        if wanted is None:
            return
        anchors, objects, config = wanted
        running: list[Task] = []
        task = self._context.tasks.run(
            lambda: AnchorFit.of(
                anchors,
                objects,
                config,
                progress=lambda _done, _total: not any(one.cancelled for one in running),
            ),
            done=lambda fit: self._show(task, fit),
            failed=lambda error: self._fail(task, error),
        )
        running.append(task)
        self._task = task

    def _show(self, task: Task, fit: AnchorFit) -> None:
        if task is self._task and self.plot is not None:
            self._task = None
            mark = None if fit.chosen is None else (float(fit.count), fit.chosen)
            self.plot.show_curve(np.asarray(fit.by_kmeans), mark, str(fit))

    def _fail(self, task: Task, error: Exception) -> None:
        if task is self._task:
            self._task = None
            if not isinstance(error, Cancelled):
                raise error

    def _leave(self) -> None:
        self._soon.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None
