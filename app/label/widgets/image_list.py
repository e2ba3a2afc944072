"""The list of images, what it is narrowed to, and how many of them are done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QProgressBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.label.models.class_model import ClassModel
from app.label.models.image_model import ImageModel
from app.label.widgets.image_delegate import ImageDelegate
from app.label.widgets.image_filter_bar import ImageFilterBar
from app.services.figures import count_text
from app.services.tasks import Tasks
from app.services.theme import Theme
from app.widgets.pictures import thumbnails
from detcore.types import Status


class ImageList(QWidget):
    """Filter bar, progress and the images. One image is the current one, several may be selected.

    Signals:
        image_chosen(int): the user went to an image by mouse or arrows.
        menu_requested(QPoint): a menu for the selected images, at a global position.
    """

    image_chosen = Signal(int)
    menu_requested = Signal(QPoint)

    def __init__(
        self,
        model: ImageModel,
        classes: ClassModel,
        theme: Theme,
        tasks: Tasks,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._image_id = 0
        self._marking = self._choosing = False
        self.setMinimumWidth(200)
        self.bar = ImageFilterBar(model, classes, theme)
        self.progress = QLabel()
        self.progress.setProperty("role", "small")
        self._share = QProgressBar(textVisible=False)
        self._share.setAccessibleName("Share of the images that are verified")
        # A table lays out rows of one height without asking the model, a list view asks for each of 100,000.
        self.view = QTableView()
        self.view.setMouseTracking(True)
        self.view.setAccessibleName("Images")
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        self.view.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.horizontalHeader().hide()
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.thumbnails = thumbnails(tasks, self)
        self.thumbnails.arrived.connect(self.view.viewport().update)
        self._delegate = ImageDelegate(theme, self.thumbnails, self.view)
        self.view.setItemDelegate(self._delegate)
        self.view.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.view.setModel(model)
        self._empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(16, 24, 16, 24)
        self._compose()
        self.bar.search.returnPressed.connect(self._open_first)
        self.view.selectionModel().currentChanged.connect(self._choose)
        self.view.customContextMenuRequested.connect(self._ask_menu)
        model.modelReset.connect(self._follow_reset)
        model.dataChanged.connect(self._show_progress)
        self._show_state()

    def show_image(self, image_id: int) -> None:
        """Mark an image as current without saying that the user chose it. A selection that it is part of
        stays."""
        self._image_id = image_id
        selection, row = self.view.selectionModel(), self._model.row_of(image_id)
        if self.view.currentIndex().row() == row and (self._choosing or selection.isRowSelected(row)):
            return
        self._marking = True
        if row < 0:
            selection.clear()
        else:
            flags = QItemSelectionModel.SelectionFlag
            selection.setCurrentIndex(self._model.index(row), flags.ClearAndSelect)
        self._marking = False
        self._scroll_to_current()

    def selected_images(self) -> list[int]:
        """Ids of the selected images, in the order of the list."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self._model.image_id(row) for row in rows]

    def split_names(self) -> Sequence[str]:
        """Names of the splits that images of the project are in."""
        images = self._model.columns
        return () if images is None else images.split_names

    def set_pictures_visible(self, visible: bool) -> None:
        """Small pictures in the rows, or lower rows with names alone."""
        self._delegate.has_pictures = visible
        self.view.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self._scroll_to_current()
        self.view.viewport().update()

    def _compose(self) -> None:
        done = QVBoxLayout()
        done.setContentsMargins(10, 0, 10, 8)
        done.setSpacing(4)
        done.addWidget(self.progress)
        done.addWidget(self._share)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addLayout(done)
        layout.addWidget(self._empty)
        layout.addWidget(self.view, 1)

    def _open_first(self) -> None:
        if self._model.rowCount():
            self.image_chosen.emit(self._model.image_id(0))
            self.view.setFocus()

    def _choose(self, current: QModelIndex) -> None:
        """Qt selects once it has moved: what comes of going there must not select before it."""
        if current.isValid() and not self._marking:
            self._choosing = True
            self.image_chosen.emit(self._model.image_id(current.row()))
            self._choosing = False

    def _ask_menu(self, position: QPoint) -> None:
        if self.view.indexAt(position).isValid():
            self.menu_requested.emit(self.view.viewport().mapToGlobal(position))

    def _follow_reset(self) -> None:
        self._show_state()
        self.show_image(self._image_id)

    def _show_state(self) -> None:
        empty = self._model.rowCount() == 0
        self._empty.setVisible(empty)
        if self._model.total:
            self._empty.setText(
                "No image matches. Clear the search, or choose List all images in the filters."
            )
        else:
            self._empty.setText("The images of the project are listed here. Open a folder to begin.")
        self._show_progress()

    def _show_progress(self) -> None:
        images, total = self._model.columns, self._model.total
        verified = 0 if images is None else images.count(Status.VERIFIED)
        for widget in (self.progress, self._share):
            widget.setVisible(total > 0)
        shown = self._model.rowCount()
        text = f"{count_text(verified)} of {count_text(total)} verified"
        self.progress.setText(text if shown == total else f"{text} · {count_text(shown)} listed")
        self._share.setRange(0, max(total, 1))
        self._share.setValue(verified)

    def _scroll_to_current(self) -> None:
        if self.view.currentIndex().isValid():
            self.view.scrollTo(self.view.currentIndex())

    def showEvent(self, event: QShowEvent) -> None:
        """Before it is shown the list has no height to scroll in."""
        super().showEvent(event)
        if self.view.currentIndex().isValid():
            self.view.scrollTo(self.view.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
