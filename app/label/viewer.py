"""Shows the current image and its labels on the Label page's canvas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from app.canvas.display import DisplayBoxes, LineStyle
from app.canvas.image_levels import ImageLevels
from app.canvas.view import ImageCanvas
from app.label.assist.proposals import Proposals
from app.label.current_boxes import CurrentBoxes
from app.label.models.image_model import ImageModel
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from detcore.errors import ImageMissingError, ProjectError, ReticleError
from detcore.types import Box, Changes, ObjectClass, Status

LOADING_NOTICE_MS = 120
NEIGHBOURS = (1, 2, -1)
BADGE_PLACE = (12, 12)


class ImageViewer(QObject):
    """Keeps the canvas in step with the current image; the neighbours are fetched ahead.

    While an image is being read the old one stays, locked, so that fast steps do not flicker.

    Signals:
        showing_changed(): ``is_showing`` may be another.
    """

    showing_changed = Signal()

    def __init__(
        self,
        context: AppContext,
        loader: ImageLoader,
        canvas: ImageCanvas,
        images: ImageModel,
        boxes: CurrentBoxes,
        proposals: Proposals,
    ) -> None:
        super().__init__(canvas)
        self._context, self._loader, self._canvas = context, loader, canvas
        self._images, self._boxes, self._proposals = images, boxes, proposals
        self._path: Path | None = None
        self._shown = 0
        self._size = (0, 0)
        self._error: ReticleError | None = None
        self._other_size: tuple[int, int] | None = None
        self.badge = QLabel("Verified, empty", canvas)
        self.badge.setProperty("role", "badge")
        self.badge.setToolTip("A detector learns from this image that nothing is on it")
        self.badge.move(*BADGE_PLACE)
        self.badge.hide()
        self._loading = QTimer(self, singleShot=True, interval=LOADING_NOTICE_MS)
        self._loading.timeout.connect(self._show_loading)
        context.view.image_changed.connect(self._show_image)
        context.view.selection_changed.connect(canvas.set_selection)
        context.document.changed.connect(self._follow)
        proposals.changed.connect(self._show_proposals)
        loader.loaded.connect(self._show_loaded)
        loader.failed.connect(self._show_failure)
        loader.tried.connect(self._mark_tried)

    @property
    def is_showing(self) -> bool:
        """Whether the current image is on the canvas, ready to be worked on."""
        return self._shown == self._context.view.image_id != 0 and self.other_size is None

    @property
    def is_missing(self) -> bool:
        """Whether the file of the current image is known not to be there."""
        return isinstance(self._error, ImageMissingError)

    @property
    def other_size(self) -> tuple[int, int] | None:
        """The (width, height) of the current image when its boxes were drawn at another."""
        return self._other_size if self._shown == self._context.view.image_id else None

    def unfit_reason(self) -> str:
        """Why nobody can say now that the current image is labelled as it should be; "" if one can."""
        if self._error is not None:
            return str(self._error)
        if self.other_size is not None:
            return (
                "its file has another size than its boxes were drawn at. Choose first what becomes of them."
            )
        return "" if self.is_showing else "it is still being read."

    def forget_images(self) -> None:
        """Read files again that may have changed or moved, the current one at once."""
        self._loader.clear()
        self._images.forget_tried()
        self._show_image(self._context.view.image_id)

    def _show_image(self, image_id: int) -> None:
        self._error = self._other_size = None
        if not image_id:
            self._path = None
            self._loading.stop()
            self._clear()
            return
        project = self._context.document.project
        self._path = project.image_path(project.image(image_id))
        image = self._loader.request(self._path, self._paths_around(image_id), by=self)
        if image is not None:
            self._show_loaded(self._path, image)
        else:
            self._canvas.set_read_only(True)
            self._loading.start()

    def _paths_around(self, image_id: int) -> list[Path]:
        """Files to read ahead. The list may not have been told yet that one of its images is gone."""
        project, row = self._context.document.project, self._images.row_of(image_id)
        paths: list[Path] = []
        for step in NEIGHBOURS if row >= 0 else ():
            neighbour = self._images.image_id(row + step)
            with suppress(ProjectError):
                paths += [project.image_path(project.image(neighbour))] if neighbour else []
        return paths

    def _show_loaded(self, path: Path, image: ImageLevels) -> None:
        if path != self._path:
            return
        self._loading.stop()
        self._error = None
        self._shown = self._context.view.image_id
        self._size = (image.full.width(), image.full.height())
        self._check_size()
        self._canvas.set_image(image, keep_view=self._context.settings.keep_zoom)
        self._show_boxes()
        self._show_badge()
        self.showing_changed.emit()

    def _show_failure(self, path: Path, error: ReticleError) -> None:
        if path == self._path:
            self._loading.stop()
            self._error = error
            self._clear()
            self._canvas.set_placeholder("This image cannot be shown", str(error))

    def _mark_tried(self, path: Path, reason: str) -> None:
        if self._context.document.is_open:
            self._images.mark_tried(path, reason)

    def _show_loading(self) -> None:
        self._clear()
        self._canvas.set_placeholder("Loading…", "")

    def _clear(self) -> None:
        self._shown = 0
        self._canvas.set_image(None)
        self.badge.hide()
        self.showing_changed.emit()

    def _check_size(self) -> None:
        """The first look at an image tells its size; that is no edit of the user's. Boxes keep the size that
        they were drawn at: where the file has another by now nothing is drawn until it is settled."""
        project, found = self._context.document.project, self._size
        record = project.image(self._shown)
        unsettled = record.size not in (None, found) and project.box_count(record.id) > 0
        if record.size != found and not unsettled:
            project.record_image_sizes({record.id: found})
        self._other_size = found if unsettled else None
        self._canvas.set_read_only(unsettled)

    def _follow(self, changes: Changes) -> None:
        image_id = self._context.view.image_id
        if changes.classes or image_id in changes.box_images:
            self._show_boxes()
        is_touched = image_id in changes.images | changes.box_images
        if is_touched and not (changes.image_list and self._is_gone(image_id)):
            project = self._context.document.project
            if self._path != project.image_path(project.image(image_id)):  # it has another name now
                self._show_image(image_id)
                return
            self._show_badge()
            if self._shown == image_id:
                self._check_size()
                self.showing_changed.emit()

    def _is_gone(self, image_id: int) -> bool:
        return image_id not in self._context.document.project.image_ids()

    def _show_proposals(self) -> None:
        if self._shown == self._context.view.image_id != 0:
            self._show_boxes()

    def _show_boxes(self) -> None:
        """Labels above what is proposed; nothing is where the labels are of another picture."""
        boxes = display_boxes(self._boxes.boxes, self._boxes.classes)
        if self._other_size is None:
            boxes = self._proposals.display().below(boxes)
        present = frozenset(boxes.ids.tolist())
        self._canvas.set_boxes(boxes)
        self._context.view.select(self._context.view.selection & present)
        self._canvas.set_selection(self._context.view.selection)

    def _show_badge(self) -> None:
        """That an image is empty on purpose is seen on it."""
        project = self._context.document.project
        is_verified = self.is_showing and project.image(self._shown).status is Status.VERIFIED
        self.badge.setVisible(is_verified and not project.box_count(self._shown))


def display_boxes(boxes: Sequence[Box], classes: Mapping[int, ObjectClass]) -> DisplayBoxes:
    """Labels in their class colours with their class names; difficult ones are hatched."""
    colors = {item.id: QColor(item.color).rgba() for item in classes.values()}
    return DisplayBoxes(
        ids=np.array([box.id for box in boxes], np.int64),
        boxes=np.array([box.xyxy for box in boxes], np.float64).reshape(-1, 4),
        colors=np.array([colors[box.class_id] for box in boxes], np.uint32),
        styles=np.full(len(boxes), LineStyle.SOLID, np.uint8),
        hatched=np.array([box.difficult for box in boxes], np.bool_),
        names=[classes[box.class_id].name for box in boxes],
        editable=np.ones(len(boxes), np.bool_),
    )


class PlaceText(QObject):
    """Follows the pointer and the zoom of a canvas.

    Signals:
        changed(str): ``120, 45    100%``; the zoom alone while the pointer is elsewhere.
    """

    changed = Signal(str)

    def __init__(self, canvas: ImageCanvas) -> None:
        super().__init__(canvas)
        self._position = self._zoom = ""
        canvas.cursor_moved.connect(self._show_position)
        canvas.cursor_left.connect(self._show_no_position)
        canvas.camera.zoom_changed.connect(self._show_zoom)

    def _show_position(self, x: float, y: float) -> None:
        self._position = f"{x:.0f}, {y:.0f}    "
        self.changed.emit(f"{self._position}{self._zoom}")

    def _show_no_position(self) -> None:
        self._position = ""
        self.changed.emit(self._zoom)

    def _show_zoom(self, zoom: float) -> None:
        self._zoom = f"{zoom:.0%}"
        self.changed.emit(f"{self._position}{self._zoom}")
