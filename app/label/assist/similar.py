"""Everything alike: from labels of a class that are selected, what looks like them on this image and those that follow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.label.assist.proposals import Proposals
from app.label.current_boxes import CurrentBoxes
from app.label.models.image_model import ImageModel
from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import Task
from detcore.assist.similar.searches import SOURCE, Found, Search, search_images
from detcore.project.project import Project
from detcore.types import Changes, Detections

_NEXT, _USUAL = (5, 20, 100), 20
"""Images that can be searched at once, and how many usually are; verified ones are left out."""
_NEXT_STEP = "proposed where you go on to them."
_NOTHING_NEXT = "Nothing alike was found on the images that follow. Select more examples and try again."


@dataclass
class _Sought:
    """A class of which everything alike is sought: by which ``search``, what was ``found`` on images, and, by image, the labels of
    the class that are no examples, since they were there and not selected."""

    search: Search
    found: dict[int, Detections] = field(default_factory=dict[int, Detections])
    left_out: dict[int, frozenset[int]] = field(default_factory=dict[int, frozenset[int]])
    task: Task | None = None
    is_due: bool = False

    def stop(self) -> None:
        """Whatever is being looked at is of no concern any more."""
        self.is_due = False
        if self.task is not None:
            self.task.abandon()
            self.task = None


class FindingSimilar(QObject):
    """Proposes what is alike, and looks again after each label or rejection on the image.

    What a person accepts or draws on such an image is an example from then on, and what they reject is not meant. The next
    images are searched once, and again when one of them is worked on.
    """

    def __init__(
        self,
        context: AppContext,
        images: ImageModel,
        boxes: CurrentBoxes,
        proposals: Proposals,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._context, self._images, self._boxes = context, images, boxes
        self._proposals, self._window = proposals, window
        self._sought: dict[int, _Sought] = {}
        self._searching_next = False
        context.document.changed.connect(self._follow)
        context.document.closed.connect(self._forget)
        context.view.image_changed.connect(self._leave_image)

    @property
    def is_possible(self) -> bool:
        """Whether there is something to look for, or something to take away."""
        return bool(self._chosen()) or self.is_shown

    @property
    def is_shown(self) -> bool:
        """Whether something alike is proposed on the current image."""
        return bool(self._shown())

    @property
    def is_busy(self) -> bool:
        """Whether an image is being looked at."""
        return self._searching_next or any(sought.task is not None for sought in self._sought.values())

    @property
    def is_possible_on_next(self) -> bool:
        """Whether the next images can be searched now."""
        return not self._searching_next and bool(self._chosen() or self._sought_here())

    def toggle(self) -> None:
        """Look for what is like the selected labels; what is proposed already is taken away."""
        shown, chosen = self._shown(), self._chosen()
        if not chosen or chosen.keys() <= shown.keys():
            self.take_away(chosen or shown)
            return
        self._context.actions["label.proposals"].setChecked(True)
        for class_id in chosen.keys() - shown.keys():
            self._look_for(class_id, chosen[class_id])

    def take_away(self, class_ids: Iterable[int] | None = None) -> None:
        """Propose nothing alike on this image any more, of some classes or of any."""
        image_id = self._context.view.image_id
        for class_id in list(self._sought if class_ids is None else class_ids):
            self._sought[class_id].stop()
            self._sought[class_id].found.pop(image_id, None)
        self._propose()

    def ask_for_next(self) -> None:
        """How many of the next images are to be searched, and then that."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addSection("Find similar")
        offered = {
            count: menu.addAction(
                f"On the next {counted(count, 'image')}", lambda count=count: self.search_next(count)
            )
            for count in _NEXT
        }
        menu.addAction("On all images", lambda: self.search_next(self._images.total))
        menu.popup(self._window.mapToGlobal(self._window.rect().center()))
        menu.setActiveAction(offered[_USUAL])

    def search_next(self, count: int) -> None:
        """What is like the selected labels, else like those of this image that are sought, on so many of the next images."""
        project, image_id = self._context.document.project, self._context.view.image_id
        image_ids = self._images.following(image_id, count)[1:]
        chosen = self._chosen() or dict.fromkeys(self._sought_here(), frozenset[int]())
        if not image_ids:
            self._context.messages.info("All other images of the list are verified.")
        if not image_ids or not chosen:
            return
        sought = [self._with_examples(class_id, box_ids) for class_id, box_ids in chosen.items()]
        asked = [(one.search, one.left_out[image_id]) for one in sought]
        self._set_searching(True)
        self._context.tasks.run_with_progress(
            "Finding similar",
            lambda progress: search_images(asked, image_id, image_ids, progress),
            done=lambda result: self._take_next(project, sought, result),
            failed=lambda error: self._fail_next(project, error),
        )

    def _look_for(self, class_id: int, box_ids: frozenset[int]) -> None:
        sought = self._with_examples(class_id, box_ids)
        self._search(sought, first=True)

    def _with_examples(self, class_id: int, box_ids: frozenset[int]) -> _Sought:
        """A class that is sought from here on, with labels of this image as examples."""
        project, image_id = self._context.document.project, self._context.view.image_id
        sought = self._sought.setdefault(class_id, _Sought(Search(project, class_id)))
        own = {box.id for box in self._boxes.boxes if box.class_id == class_id}
        sought.left_out[image_id] = frozenset(sought.left_out.get(image_id, own) & own) - box_ids
        return sought

    def _search(self, sought: _Sought, *, first: bool = False) -> None:
        """Look again at this image, by what its labels and verdicts say now. While it is looked at already: afterwards."""
        if sought.task is not None:
            sought.is_due = True
            return
        image_id = self._context.view.image_id
        left_out = sought.left_out[image_id]

        def done(found: Detections) -> None:
            if sought.task is not task:
                return
            sought.task = None
            sought.found[image_id] = found
            self._propose()
            if first:
                self._tell(sought, image_id)
            is_due, sought.is_due = sought.is_due, False
            if is_due and self._is_sought_on(sought, self._context.view.image_id):
                self._search(sought)

        def failed(error: Exception) -> None:
            if sought.task is task:
                sought.task = None
                self._context.messages.error(error, doing="find what is similar")

        task = self._context.tasks.run(
            lambda: sought.search.on_image(image_id, left_out), done=done, failed=failed
        )
        sought.task = task

    def _propose(self) -> None:
        found = [dets for sought in self._sought.values() for dets in sought.found.values()]
        self._proposals.propose_also(SOURCE, Detections.joined(found))
        self._context.actions.refresh()

    def _tell(self, sought: _Sought, image_id: int) -> None:
        """How many there are, when they were looked for by hand."""
        classes = self._boxes.classes
        if image_id != self._context.view.image_id or sought.search.class_id not in classes:
            return
        name, count = classes[sought.search.class_id].name, self._shown()[sought.search.class_id]
        document = self._context.document
        if count:
            self._context.messages.success(
                f"{counted(count, 'object')} like “{name}” proposed.", applies=document.until_next_edit()
            )
        else:
            self._context.messages.info(
                f"Nothing alike was found. Select more examples of “{name}”, of all its looks, and try again."
            )

    def _take_next(self, project: Project, sought: Sequence[_Sought], result: Found) -> None:
        self._set_searching(False)
        if not self._context.document.shows(project):
            return
        by_class = {one.search.class_id: one for one in sought}
        for (class_id, image_id), dets in result.found.items():
            by_class[class_id].found[image_id] = dets
            by_class[class_id].left_out.setdefault(image_id, result.labels[image_id])
        self._propose()
        counts = [len(dets) for dets in result.found.values()]
        objects = counted(sum(counts), "object")
        text = f"{objects} alike on {counted(len(result.labels), 'image')}, {_NEXT_STEP}"
        if result.unread:
            text += f" {counted(len(result.unread), 'image')} could not be read."
        self._context.messages.success(text if sum(counts) else _NOTHING_NEXT)

    def _fail_next(self, project: Project, error: Exception) -> None:
        self._set_searching(False)
        if self._context.document.shows(project):
            self._context.messages.error(error, doing="find what is similar")

    def _set_searching(self, searching: bool) -> None:
        self._searching_next = searching
        self._context.actions.refresh()

    def _follow(self, changes: Changes) -> None:
        """What is on this image or was rejected there may be other examples now."""
        gone = self._sought.keys() - self._boxes.classes.keys() if changes.classes else ()
        for class_id in gone:
            self._sought.pop(class_id).stop()
        if gone:
            self._propose()
        image_id = self._context.view.image_id
        if changes.verdicts or image_id in changes.box_images:
            for sought in self._sought.values():
                if self._is_sought_on(sought, image_id):
                    self._search(sought)

    def _leave_image(self, _image_id: int) -> None:
        for sought in self._sought.values():
            sought.search.forget_image()

    def _forget(self) -> None:
        for sought in self._sought.values():
            sought.stop()
        self._sought.clear()

    def _chosen(self) -> dict[int, frozenset[int]]:
        """Ids of the selected labels by their class."""
        selection = self._context.view.selection
        chosen: defaultdict[int, frozenset[int]] = defaultdict(frozenset)
        for box in self._boxes.boxes if any(box_id > 0 for box_id in selection) else ():
            if box.id in selection and not box.crowd:
                chosen[box.class_id] |= {box.id}
        return chosen

    def _shown(self) -> Counter[int]:
        """How much is proposed on this image of each class, as alike."""
        proposer = self._proposals.proposer
        if proposer is None or not self._sought:
            return Counter()
        found, rows = proposer.found, self._proposals.rows.tolist()
        others = [row for row in rows if row >= found.own and found.source(row) == SOURCE]
        return Counter(found.detections.labels[others].tolist())

    def _is_sought_on(self, sought: _Sought, image_id: int) -> bool:
        return image_id in sought.found or sought.task is not None

    def _sought_here(self) -> list[int]:
        image_id = self._context.view.image_id
        return [key for key, sought in self._sought.items() if image_id in sought.found]
