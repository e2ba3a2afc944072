"""The learner beside the window: whether it is wanted, what it is at, and what it proposes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from PySide6.QtCore import QObject, QTimer, Signal

from app.label.assist.proposals import Proposals
from app.label.models.image_model import ImageModel
from app.services.context import AppContext
from app.services.figures import counted
from app.services.timing import Debouncer
from detcore.jobs.events import LEFT_OUT, Checkpoint, Doing, Event, Live, Log, Proposed, Validation
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.jobs.preparing.live import prepare_live
from detcore.jobs.program import missing_for_training
from detcore.jobs.wishes import Wish
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.types import Changes, Status

OFFERED_AT = 10
"""Verified images from which on it is offered, and begins by itself where it is wanted."""
_AHEAD = 4
"""So many of the images that come next it looks at before they are shown."""
_BATTERY_MS = 20_000
_LEFT_OUT_MS = 1500
"""Without another image that cannot be read, after which these are told of."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the learner is at, from how many images it learns, by how many it is judged, and its ``figures``: seconds of learning, and the
    best F1 then."""

    doing: Doing | None = None
    learnt: int = 0
    judged: int = 0
    figures: tuple[tuple[float, float], ...] = ()


class LiveLearning(QObject):
    """Starts, feeds and ends the learner. It learns whenever it is wanted and nothing else trains, and ends with the project.

    Signals:
        changed(): ``is_wanted``, ``standing`` or why it does not learn is another.
        looked_at_all(): it has looked at all images, as ``look_at_all`` wants, or has ended.
    """

    changed = Signal()
    looked_at_all = Signal()

    def __init__(
        self, context: AppContext, images: ImageModel, proposals: Proposals, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._images, self._proposals = context, images, proposals
        self.standing = Standing()
        self.is_wanted = bool(context.settings.learn_while_labelling)
        self._run: RunFolder | None = None
        self._asked: tuple[int, ...] = ()
        self._preparing = self._has_offered = self._on_battery = False
        self._asked_for = False  # by hand, in this project: with fewer images, too
        self.waits = False
        """Whether a training is under way, which goes first."""
        self.missing = missing_for_training()
        """What has to be installed before anything can learn, if something has."""
        self._shown: tuple[object, ...] = ()
        self._left_out: list[str] = []
        self._told = Debouncer(self, self._tell_left_out, pause_ms=_LEFT_OUT_MS)
        self._battery = QTimer(self, interval=_BATTERY_MS)
        self._battery.timeout.connect(self._look_at_battery)
        context.learner.heard.connect(self._hear)
        context.learner.ended.connect(self._end)
        context.jobs.changed.connect(self._arrange)
        context.document.opened.connect(self._open)
        context.document.closed.connect(self._close)
        context.document.changed.connect(self._follow)
        context.view.image_changed.connect(lambda _image_id: self._ask())
        context.settings.changed.connect(self._follow_setting)

    @property
    def is_due(self) -> bool:
        """Whether there is enough to learn from, or the user wants it all the same."""
        return self._asked_for or self._verified >= OFFERED_AT

    @property
    def run(self) -> Path | None:
        """The run that the learner works on."""
        return None if self._run is None else self._run.path

    @property
    def knows_images(self) -> bool:
        """Whether it has weights to look at images with."""
        return self._run is not None and self.standing.doing not in (None, Doing.WAITING)

    def look_at_all(self) -> None:
        """Let it look at all images with what it knows by now; ``looked_at_all`` tells when that is done."""
        self._context.learner.tell(Wish(everything=True))

    def want(self, wanted: bool) -> None:
        """Turn it on or off, here and in projects to come; where something has to be installed first, that is said."""
        if wanted and self.missing is not None:
            self._context.messages.error(self.missing, doing="learn while you label")
            self.changed.emit()  # whoever has asked shows that it is on
            return
        self.is_wanted, self._asked_for = wanted, wanted
        self._context.settings.learn_while_labelling = wanted
        self._arrange()

    def _open(self) -> None:
        self._has_offered = self._asked_for = False
        self._arrange()

    def _close(self) -> None:
        self._leave()
        self._context.learner.stop()

    def _leave(self) -> None:
        """What the learner says from here on is of no concern."""
        self._run, self._asked = None, ()
        self.standing = Standing()
        self._proposals.follow_learner(None)
        self._left_out.clear()
        self._told.stop()
        self._show()
        self.looked_at_all.emit()

    def _follow(self, changes: Changes) -> None:
        if not changes.images:
            return
        self._arrange()
        self._ask()
        if (
            self._context.settings.learn_while_labelling is None
            and self.missing is None
            and not self._has_offered
            and self._verified >= OFFERED_AT
        ):
            self._has_offered = True
            self._context.messages.info(
                f"{counted(self._verified, 'image is', 'images are')} verified: a detector can learn from them "
                "while you label, and propose on the next ones.",
                ("Learn while I label", lambda: self.want(True)),
                applies=lambda: not self.is_wanted,
            )

    @property
    def _verified(self) -> int:
        columns = self._images.columns
        return 0 if columns is None else columns.count(Status.VERIFIED)

    def _arrange(self) -> None:
        """Let it run or not, as things are."""
        document, learner = self._context.document, self._context.learner
        trains = document.is_open and self._context.jobs.training(document.project.runs_folder) is not None
        due = document.is_open and self.is_wanted and not trains and self.missing is None
        if not due and self._run is not None:
            learner.stop()
        elif due and self.is_due and not learner.is_running and not self._preparing:
            self._begin(document.project)
        self.waits = trains
        self._show()

    def _show(self) -> None:
        """Tell of it where something is another than it was."""
        shown = (
            self._context.document.is_open,
            self.is_wanted,
            self.is_due,
            self.waits,
            self._run,
            self.standing,
        )
        if shown != self._shown:
            self._shown = shown
            self.changed.emit()

    def _begin(self, project: Project) -> None:
        self._preparing = True
        self._context.tasks.run(
            lambda: prepare_live(project),
            done=lambda run: self._start(project, run),
            failed=lambda error: self._fail(project, error),
        )

    def _start(self, project: Project, run: RunFolder) -> None:
        self._preparing = False
        trains = self._context.jobs.training(run.path.parent) is not None
        if not self._context.document.shows(project) or not self.is_wanted or trains:
            self._arrange()  # for whatever is open by now
            return
        self._run, self._on_battery = run, False
        self._context.learner.start(run.path)
        self._proposals.follow_learner(run.name)
        self._context.document.announce_run(run.path)
        self._look_at_battery()
        self._battery.start()
        self._ask()

    def _fail(self, project: Project, error: Exception) -> None:
        self._preparing = False
        if self._context.document.shows(project):
            self.want(False)
            self._context.messages.error(error, doing="learn while you label")
        else:
            self._arrange()

    def _end(self, outcome: Outcome) -> None:
        self._battery.stop()
        run, self._run = self._run, None
        if run is None:
            self._arrange()  # that of another project; this one's may begin now
            return
        self._leave()
        self._context.document.announce_run(run.path)
        if outcome.state is OutcomeState.FAILED:
            self.is_wanted = False
            self._context.messages.warning(f"Learning while you label has ended: {outcome.text}")
            self._show()
        else:
            self._arrange()

    def _hear(self, events: Iterable[Event]) -> None:
        if self._run is None:
            return
        for event in events:
            if isinstance(event, Proposed):
                self._proposals.take_from_learner(event)
            elif isinstance(event, Live):
                counts = {"learnt": event.learnt, "judged": event.judged}
                self._stand(replace(self.standing, doing=event.doing, **counts))
            elif isinstance(event, Validation):
                figures = (*self.standing.figures, (event.time, event.metrics["F1"]))
                self._stand(replace(self.standing, figures=figures))
                self._proposals.start_learner_from(event.metrics["threshold"])
            elif isinstance(event, Checkpoint) and event.file == self._run.detections.name:
                self._context.document.announce_run(self._run.path)
                self.looked_at_all.emit()
            elif isinstance(event, Log) and event.text.startswith(LEFT_OUT):
                self._left_out.append(event.text.removeprefix(LEFT_OUT))
                self._told.ask()
            elif isinstance(event, Log) and event.level != "info":
                self._context.messages.warning(event.text)

    def _ask(self) -> None:
        """Say which image is open and which come next."""
        if self._run is None:
            return
        wanted = tuple(self._images.following(self._context.view.image_id, _AHEAD))
        if wanted != self._asked:
            self._asked = wanted
            self._context.learner.tell(Wish(images=wanted))

    def _look_at_battery(self) -> None:
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        alone = battery is not None and not battery.power_plugged
        pause = alone and not self._context.settings.learn_on_battery
        if pause != self._on_battery:
            self._on_battery = pause
            self.pause(pause)

    def pause(self, pause: bool) -> None:
        """Let it wait, or go on."""
        self._context.learner.tell(Wish(pause=pause))

    def _follow_setting(self, name: str) -> None:
        if name == "learn_on_battery":
            self._look_at_battery()

    def _stand(self, standing: Standing) -> None:
        self.standing = standing
        self._show()

    def _tell_left_out(self) -> None:
        """Images that cannot be read, all that were met in a row in one message."""
        first, *others = self._left_out
        self._left_out.clear()
        if not others:
            self._context.messages.warning(f"The learner leaves out an image: {first}")
            return
        text = f"The learner leaves out {counted(len(others) + 1, 'image')} that cannot be read, the first: {first}"
        self._context.messages.warning(text, details="\n".join([first, *others]))
