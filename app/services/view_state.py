"""What the user is looking at: shared by the pages, never stored as an edit."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class ViewState(QObject):
    """Current image, selected boxes and the class of new boxes. 0 means none.

    Signals:
        image_changed(int): the id of the image now shown.
        selection_changed(object): a frozenset of box ids.
        class_changed(int): the id of the class that a new box gets.
        run_wanted(str): the name of a run whose detections the user asks to see.
        run_reviewed(str): the name of the run that the Review page shows, "" for none.
    """

    image_changed = Signal(int)
    selection_changed = Signal(object)
    class_changed = Signal(int)
    run_wanted = Signal(str)
    run_reviewed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image_id = 0
        self._selection: frozenset[int] = frozenset()
        self._class_id = 0
        self._reviewed_run = ""

    @property
    def image_id(self) -> int:
        return self._image_id

    @property
    def selection(self) -> frozenset[int]:
        return self._selection

    @property
    def class_id(self) -> int:
        return self._class_id

    def show_image(self, image_id: int) -> None:
        """Make an image the current one; the selection is dropped with the old one."""
        if image_id == self._image_id:
            return
        self.select(frozenset())
        self._image_id = image_id
        self.image_changed.emit(image_id)

    def select(self, box_ids: frozenset[int]) -> None:
        if box_ids == self._selection:
            return
        self._selection = box_ids
        self.selection_changed.emit(box_ids)

    def use_class(self, class_id: int) -> None:
        if class_id == self._class_id:
            return
        self._class_id = class_id
        self.class_changed.emit(class_id)

    def show_run(self, name: str) -> None:
        """Let Review show a run, whichever it showed before."""
        self.run_wanted.emit(name)

    @property
    def reviewed_run(self) -> str:
        return self._reviewed_run

    def note_reviewed(self, name: str) -> None:
        """The Review page shows that run now."""
        if name != self._reviewed_run:
            self._reviewed_run = name
            self.run_reviewed.emit(name)

    def reset(self) -> None:
        """Forget everything: another project is shown."""
        self.select(frozenset())
        self._class_id = 0
        self._image_id = 0
        self.image_changed.emit(0)
        self.class_changed.emit(0)
