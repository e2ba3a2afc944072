"""Choosing, making, renaming, merging and deleting classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QWidget

from app.label.class_dialog import ask_class
from app.label.models.class_model import ClassModel
from app.label.widgets.class_picker import ClassPicker
from app.services.context import AppContext, apply_edit
from app.services.figures import counted
from detcore.formats.yolo.names import read_class_list
from detcore.project import edits
from detcore.project.project import Project
from detcore.project.reading import class_counts
from detcore.types import Changes

_NATIVE = QKeySequence.SequenceFormat.NativeText


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
        others = [item for item in project.classes() if item.id != class_id]
        answer = ask_class(self._window, current, {item.name for item in others})
        if answer is None or answer == current:
            return
        same = next((item for item in others if item.name == answer.name), None)
        if same is not None:
            self._merge(class_id, same.id)
        else:
            apply_edit(self._context, edits.update_class, answer)

    def reorder(self, ids: Sequence[int]) -> None:
        """Put all classes into an order, and say what that means for exports."""
        classes = self._classes.classes
        changes = apply_edit(self._context, edits.reorder_classes, list(ids))
        if changes is None:
            return
        known = sum(item.source_id is not None for item in classes)
        if known == len(classes):
            said = "Exports keep the numbers that the classes had in their files."
        elif known:
            said = "Exports keep the numbers that imported classes had, and number the others in this order."
        else:
            said = "Exports number the classes in this order."
        self._context.messages.tally("reordered classes", 1, lambda _count: f"Classes reordered. {said}")

    def ask_names(self) -> None:
        """Add the classes that a file lists."""
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            "A file of class names",
            filter="Class names (*.txt *.names *.labels *.yaml *.yml);;All files (*)",
        )
        if name:
            self.add_from(Path(name))

    def add_from(self, path: Path) -> None:
        """Add the classes that ``path`` lists, those that are there already excepted."""
        project = self._context.document.project
        self._context.tasks.run(
            lambda: read_class_list(path),
            done=lambda names: self._add(project, path, names),
            failed=lambda error: self._context.messages.error(error, doing="read the class names"),
        )

    def _add(self, project: Project, path: Path, names: Sequence[str]) -> None:
        if not self._context.document.shows(project):
            return
        changes = apply_edit(self._context, edits.add_classes, names)
        if changes is None:
            return
        added, there = len(changes.classes), len(names) - len(changes.classes)
        text = f"{counted(added, 'class', 'classes')} added from {path.name}."
        if there:
            text += f" {counted(there, 'was', 'were')} there already."
        if added and not self._context.view.class_id:
            self._context.view.use_class(self._classes.classes[0].id)
        self._context.messages.success(text)

    def show_menu(self, class_id: int, position: QPoint) -> None:
        """What can be done to a class, at a global position."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Edit name, colour, key…", lambda: self.edit(class_id))
        ids = [item.id for item in self._classes.classes]
        row = ids.index(class_id)
        for title, keys, step in (("Move up", "Alt+Up", -1), ("Move down", "Alt+Down", 1)):
            moved = ids.copy()
            moved.insert(row + step, moved.pop(row))
            action = menu.addAction(f"{title}\t{QKeySequence(keys).toString(_NATIVE)}")
            action.triggered.connect(lambda _checked=False, order=moved: self.reorder(order))
            action.setEnabled(0 <= row + step < len(ids))
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
        names = {item.id: item.name for item in self._classes.classes}
        changes = apply_edit(self._context, edits.merge_classes, [source_id], target_id)
        if changes is None:
            return
        self._context.view.use_class(target_id)
        self._context.messages.info(
            f"“{names[source_id]}” is one with “{names[target_id]}” now.",
            action=("Undo", lambda: self._undo_if_latest(changes)),
            applies=self._context.document.until_next_edit(),
        )

    def _delete(self, class_id: int) -> None:
        project = self._context.document.project
        item = next(item for item in project.classes() if item.id == class_id)
        count = class_counts(project).get(item.name, 0)
        changes = apply_edit(self._context, edits.delete_class, class_id, delete_boxes=True)
        if changes is None:
            return
        boxes = f" and its {counted(count, 'box', 'boxes')}" if count else ""
        self._context.messages.info(
            f"Deleted “{item.name}”{boxes}.",
            action=("Undo", lambda: self._undo_if_latest(changes)),
            applies=self._context.document.until_next_edit(),
        )

    def _undo_if_latest(self, changes: Changes) -> None:
        """The message may be read after other edits: those are not taken back by it."""
        if not self._context.document.take_back(changes):
            self._context.messages.info("Something else was done since. Undo that first.")
