"""Choosing, making, renaming, merging and deleting classes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRect, Qt
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from app.context import AppContext
from app.dialogs.class_dialog import ask_class
from app.models.class_model import ClassModel
from app.models.figures import count_text
from app.pages.apply_edit import apply_edit
from app.widgets.label.class_picker import ClassPicker
from detcore.project import edits
from detcore.project.reading import class_counts
from detcore.types import Changes


class ClassEditing(QObject):
    """Everything that is done to classes on the Label page. Every change can be undone."""

    def __init__(self, context: AppContext, classes: ClassModel, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._classes = classes
        self._window = window

    def pick(
        self,
        use: Callable[[int], None],
        *,
        beside: QRect,
        otherwise: Callable[[], None] | None = None,
        hint: str = "Enter takes the class, Esc leaves it as it is.",
    ) -> None:
        """Ask for a class beside a place on the screen and hand its id to ``use``; a new name makes a class
        first. ``otherwise`` is called when none was chosen."""
        picker = ClassPicker(self._classes.classes, hint, self._window)
        picker.picked.connect(use)
        picker.named.connect(lambda name: self._make_and_use(name, use))
        if otherwise is not None:
            picker.dismissed.connect(otherwise)
        picker.pop_up(beside)

    def with_key(self, key: int) -> int:
        """The class that a number key stands for, 0 when there is none."""
        return next((item.id for item in self._classes.classes if item.key == key), 0)

    def new(self) -> None:
        """Ask for a name and make a class; new boxes get it."""
        name, accepted = QInputDialog.getText(self._window, "New class", "Name of the class:")
        if accepted and name.strip():
            self._make(name.strip())

    def edit(self, class_id: int) -> None:
        """Ask for name, colour and key of a class."""
        project = self._context.document.project
        current = next(item for item in project.classes() if item.id == class_id)
        answer = ask_class(self._window, current)
        if answer is not None and answer != current:
            apply_edit(self._context, edits.update_class, answer)

    def show_menu(self, class_id: int, position: QPoint) -> None:
        """What can be done to a class, at a global position."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Edit name, colour, key…", lambda: self.edit(class_id))
        merge = menu.addMenu("Merge into")
        for item in self._classes.classes:
            if item.id != class_id:
                merge.addAction(item.name, lambda target=item.id: self._merge(class_id, target))
        merge.setEnabled(bool(merge.actions()))
        menu.addAction("Delete", lambda: self._delete(class_id))
        menu.popup(position)

    def _make_and_use(self, name: str, use: Callable[[int], None]) -> None:
        class_id = self._make(name)
        if class_id:
            use(class_id)

    def _make(self, name: str) -> int:
        changes = apply_edit(self._context, edits.add_class, name)
        if changes is None:
            return 0
        class_id = next(iter(changes.classes))
        self._context.view.use_class(class_id)
        return class_id

    def _merge(self, source_id: int, target_id: int) -> None:
        if apply_edit(self._context, edits.merge_classes, [source_id], target_id) is not None:
            self._context.view.use_class(target_id)

    def _delete(self, class_id: int) -> None:
        project = self._context.document.project
        item = next(item for item in project.classes() if item.id == class_id)
        count = class_counts(project).get(item.name, 0)
        changes = apply_edit(self._context, edits.delete_class, class_id, delete_boxes=True)
        if changes is None:
            return
        boxes = "" if not count else " and its box" if count == 1 else f" and its {count_text(count)} boxes"
        self._context.messages.info(
            f"Deleted “{item.name}”{boxes}.",
            action=("Undo", lambda: self._undo_if_latest(changes)),
            applies=self._context.document.until_next_edit(),
        )

    def _undo_if_latest(self, changes: Changes) -> None:
        """The message may be read after other edits: those are not taken back by it."""
        if not self._context.document.take_back(changes):
            self._context.messages.info("Something else was done since. Undo that first.")
