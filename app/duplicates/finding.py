"""Looking for images that look the same, and what is done about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.duplicates.duplicate_groups import DuplicateGroup, GroupsNow
from app.duplicates.duplicates_dialog import DuplicatesDialog
from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import Task
from app.widgets.pictures import thumbnails
from detcore.curation.duplicates import Duplicates, find_duplicates
from detcore.errors import Cancelled, ReticleError
from detcore.project.edits import Edit, remove_images, set_split
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.types import Changes

_P = ParamSpec("_P")


class NearDuplicates(QObject):
    """Binds the action, compares in the pool, and keeps what was found until the project is closed.

    The window may be closed at any time: comparing goes on, and the end is told.

    Signals:
        page_requested(str): show that page.
    """

    page_requested = Signal(str)

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._task: Task | None = None
        self._now: GroupsNow | None = None
        self._thumbnails = thumbnails(context.tasks, self)
        actions = [context.actions[name] for name in ("global.undo", "global.redo")]
        self.dialog = dialog = DuplicatesDialog(context.theme, self._thumbnails, actions, window)
        dialog.again_asked.connect(self._start)
        dialog.cancel_asked.connect(self._cancel)
        dialog.panel.split_chosen.connect(self._put_into_split)
        dialog.panel.removal_asked.connect(self._remove)
        dialog.panel.open_asked.connect(self._open)
        context.actions.bind("global.duplicates", self.show, when=lambda: context.document.is_open)
        context.document.changed.connect(self._follow)
        context.document.closed.connect(self._leave_project)

    def show(self) -> None:
        """Show what was found, as it is now; look for it when that was not done yet."""
        if self._now is not None:
            self._refresh(self._now)
        elif self._task is None:
            self._start()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _start(self) -> None:
        project = self._context.document.project
        self._now = None
        self.dialog.show_comparing()
        self._task = task = self._context.tasks.run_with_progress(
            "Comparing images",
            lambda progress: find_duplicates(project, progress=progress),
            done=lambda found: self._if_current(task, lambda: self._end(task, found)),
            failed=lambda error: self._if_current(task, lambda: self._fail(error)),
        )
        task.progressed.connect(self.dialog.show_progress)

    def _if_current(self, task: Task, show: Callable[[], None]) -> None:
        """What was found in a project that is closed is not shown."""
        if task is self._task:
            self._task = None
            show()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _leave_project(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
        self._now = None
        self.dialog.close()
        self._thumbnails.clear()

    def _end(self, task: Task, found: Duplicates) -> None:
        """Cancelled is cancelled, though all had been compared by then."""
        if task.cancelled:
            self._fail(Cancelled("comparing images was cancelled"))
        else:
            self._show_found(found)

    def _show_found(self, found: Duplicates) -> None:
        self._now = GroupsNow(found, self._context.document.project)
        self._refresh(self._now)
        if not self.dialog.isVisible():
            self._context.messages.success(_summary(found), action=("Show", self.show))

    def _fail(self, error: Exception) -> None:
        self.dialog.close()
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. The images were not compared.")
        else:
            self._context.messages.error(error, doing="compare the images")

    def _refresh(self, now: GroupsNow) -> None:
        self.dialog.show_found(now.found, now.groups())

    def _follow(self, changes: Changes) -> None:
        now = self._now
        if now is None:
            return
        touched = now.follow(changes)
        if self.dialog.isVisible():
            self.dialog.say("")  # its Undo would take back something else now
            if touched:
                self._refresh(now)

    def _put_into_split(self, group: DuplicateGroup, split: str) -> None:
        splits = {twin.image.id: split for twin in group.twins}
        images = "Both images" if len(splits) == 2 else f"All {counted(len(splits), 'image')}"
        text = operation("put_duplicates_into_split", split=split)
        self._apply(f"{images} are in {split} now.", set_split, splits, text=text)

    def _remove(self, image_id: int) -> None:
        name = self._context.document.project.image(image_id).path
        said = f"{name} is out of the project; the file was not touched."
        self._apply(said, remove_images, [image_id])

    def _apply(
        self,
        said: str,
        build: Callable[Concatenate[Project, _P], Edit],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> None:
        try:
            self._context.document.edit(build, *args, **kwargs)
        except ReticleError as error:
            self._context.messages.error(error, doing="make the change")
        else:
            self.dialog.say(said)

    def _open(self, image_id: int) -> None:
        """Show an image at full size; the message leads back."""
        self.dialog.close()
        self.page_requested.emit("label")
        self._context.view.show_image(image_id)
        path = self._context.document.project.image(image_id).path
        back = ("Back to near-duplicates", self.show)
        view = self._context.view
        self._context.messages.info(
            f"This is {path}.", action=back, applies=lambda: view.image_id == image_id
        )


def _summary(found: Duplicates) -> str:
    count = len(found.groups)
    compared = counted(found.images, "image was compared", "images were compared")
    if not count:
        return f"{compared}; no two look the same."
    groups = counted(count, "group looks", "groups look")
    return f"{compared}; {groups} the same."
