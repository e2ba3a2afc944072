"""The menu bar: which action stands where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMenu, QMenuBar

from app.services.actions import Actions

Entries = Sequence[str]
"""Ids of actions; an empty one is a separator."""

FILE_TOP: Entries = ("global.new_project", "global.open_folder", "global.open_project")
FILE: Entries = (
    "global.sample",
    "",
    "global.import",
    "global.import_detections",
    "global.new_images",
    "global.find_images",
    "global.link_files",
    "global.file_changes",
    "global.duplicates",
    "global.divide",
    "",
    "global.settings",
    "",
    "global.quit",
)
EDIT: Entries = (
    "global.undo",
    "global.redo",
    "",
    "label.copy",
    "label.paste",
    "label.duplicate",
    "label.delete",
    "label.select_all",
    "",
    "global.palette",
)
VIEW: Mapping[str, Entries] = {
    "label": (
        "label.fit",
        "label.actual_size",
        "label.zoom_in",
        "label.zoom_out",
        "label.zoom_selection",
        "",
        "label.boxes",
        "label.names",
        "label.pictures",
    ),
    "train": ("train.fit", "train.smooth", "train.logarithmic", "train.learning_rate"),
    "review": ("review.fit", "review.zoom_item"),
    "export": (),
}
HELP: Entries = (
    "global.help",
    "global.manual",
    "",
    "global.messages",
    "global.message_action",
    "global.close_message",
    "",
    "global.about",
)
PAGE_TITLES = {"label": "&Label", "train": "&Train", "review": "&Review", "export": "E&xport"}
CLASS_ACTIONS = "label.class_"
_ELSEWHERE = {*EDIT, *(name for names in VIEW.values() for name in names)}


class Menus:
    """Fills a menu bar. *View* and *Recent projects* are made when they are opened; ``panels`` are those of a
    page."""

    def __init__(
        self,
        bar: QMenuBar,
        actions: Actions,
        *,
        panels: Callable[[str], Sequence[QDockWidget]],
        recent: Callable[[], Sequence[Path]],
        open_recent: Callable[[Path], object],
    ) -> None:
        self._actions, self._panels = actions, panels
        self._recent, self._open_recent = recent, open_recent
        file = bar.addMenu("&File")
        self._add(file, FILE_TOP)
        self.recent = file.addMenu("Recent projects")
        self.recent.aboutToShow.connect(self._fill_recent)
        file.aboutToShow.connect(lambda: self.recent.setEnabled(bool(self._recent())))
        self._add(file, FILE)
        self._add(bar.addMenu("&Edit"), EDIT)
        self.view = bar.addMenu("&View")
        self.view.aboutToShow.connect(self._fill_view)
        self._fill_view()
        for name, title in PAGE_TITLES.items():
            self._fill_page(bar.addMenu(title), name)
        self._add(bar.addMenu("&Help"), HELP)

    def _add(self, menu: QMenu, names: Entries) -> None:
        for name in names:
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()

    def _fill_page(self, menu: QMenu, page: str) -> None:
        specs = self._actions.specs()
        of_page = [action for spec, action in specs if spec.scope == page and spec.id not in _ELSEWHERE]
        by_number = [action for action in of_page if action.objectName().startswith(CLASS_ACTIONS)]
        menu.addActions([action for action in of_page if action not in by_number])
        if by_number:
            menu.addMenu("Use class").addActions(by_number)
        if page == "train":
            menu.addSeparator()
            menu.addAction(self._actions["global.divide"])

    def _fill_view(self) -> None:
        """The pages, how the shown one is looked at, and its panels."""
        self.view.clear()
        self._add(self.view, [f"global.page_{name}" for name in PAGE_TITLES])
        self.view.addSeparator()
        page = self._actions.scope
        if VIEW[page]:
            self._add(self.view, VIEW[page])
            self.view.addSeparator()
        panels = self._panels(page)
        if panels:
            self.view.addActions([panel.toggleViewAction() for panel in panels])
            self.view.addSeparator()
        self._add(self.view, ["global.theme"])

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in self._recent():
            action = QAction(f"{path.stem}  –  {path.parent}".replace("&", "&&"), self.recent)
            action.triggered.connect(lambda _checked=False, path=path: self._open_recent(path))
            self.recent.addAction(action)
