"""The middle of the Review page: the whole image with its overlays, and the box that is looked at."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from app.canvas.image_levels import ImageLevels
from app.canvas.view import ImageCanvas
from app.review.live.live_evaluation import LiveReview
from app.review.models.overlay import overlay_boxes, unjudged_boxes
from app.review.texts import overlap_text
from app.review.widgets.image_bar import ImageBar, OverlayLegend
from app.review.widgets.item_details import ItemDetails
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from detcore.errors import ReticleError
from detcore.evaluation.live import DetState, GtState
from detcore.review.entries import ErrorEntry
from detcore.review.kinds import ErrorKind

_LOADING_NOTICE_MS = 150
_CROP_WIDTH, _CROP_MIN_HEIGHT, _SIDE_MIN_WIDTH, _CANVAS_MIN_WIDTH = 232, 64, 214, 240
_BUTTONS = {
    "review.accept": "Accept",
    "review.delete": "Delete label",
    "review.take_class": "Take class",
    "review.take_box": "Take box",
    "review.model_wrong": "Model wrong",
    "review.ambiguous": "Ambiguous",
    "review.difficult": "Difficult",
    "review.next": "Next",
}
"""What the buttons say; there is room for two words."""


class ReviewImage(QWidget):
    """Shows the image of an entry at the threshold of the review."""

    # The user picked a box on the image: its key.
    key_chosen = Signal(int)

    def __init__(self, context: AppContext, loader: ImageLoader, live: LiveReview) -> None:
        super().__init__()
        self._context, self._loader, self._live = context, loader, live
        self._entry: ErrorEntry | None = None
        self._shown_id = 0
        self._path: Path | None = None
        self._ready = False
        self._detections = 0
        self.canvas, self.crop = ImageCanvas(), ImageCanvas()
        for canvas in (self.canvas, self.crop):
            canvas.set_read_only(True)
        self.crop.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.crop.set_names_visible(False)
        self.legend = OverlayLegend(context.theme)
        self.bar = ImageBar(self.legend)
        buttons = {text: context.actions[name] for name, text in _BUTTONS.items()}
        self.details = ItemDetails(context.theme, buttons, moves=(_BUTTONS["review.next"],))
        self._notice = QTimer(self, singleShot=True, interval=_LOADING_NOTICE_MS)
        self._notice.timeout.connect(self._show_loading)
        self._compose()
        self.legend.kinds_chosen.connect(lambda _kinds: self.refresh())
        self.canvas.selection_changed.connect(self._pick)
        loader.loaded.connect(self._show_loaded)
        loader.failed.connect(self._show_failure)
        live.threshold_changed.connect(self._follow_threshold)
        context.theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def image_id(self) -> int:
        """The image that is shown, 0 for none."""
        return self._shown_id

    @property
    def entry(self) -> ErrorEntry | None:
        """The box that is looked at."""
        return self._entry

    @property
    def is_showing(self) -> bool:
        """Whether the picture of that box is on the canvas, not still being read."""
        return self._ready

    def show_entry(self, entry: ErrorEntry | None, ahead: list[ErrorEntry]) -> None:
        """Look at a box; the images of those ``ahead`` are read before they are asked for."""
        self._entry = entry
        if entry is None:
            self.refresh()
            return
        if entry.image_id != self._shown_id:
            self._shown_id, self._path, self._ready = entry.image_id, entry.path, False
            self.bar.show_name(entry.path.name)
            image = self._loader.request(entry.path, [item.path for item in ahead], by=self)
            if image is None:
                self._notice.start()
                return
            self._show_loaded(entry.path, image)
        else:
            self.refresh()
            self._zoom_crop()

    def clear(self) -> None:
        """Show nothing: there is no review."""
        self._entry, self._shown_id, self._path, self._ready = None, 0, None, False
        self._notice.stop()
        for canvas in (self.canvas, self.crop):
            canvas.set_image(None)

    def refresh(self) -> None:
        """Paint the overlays anew."""
        review = self._live.review
        if review is None or not self._shown_id:
            self.details.show_entry(None, "")
            return
        view = review.evaluation.image_view(self._shown_id, self._live.threshold)
        self._detections = len(view.det_rows)
        selection = frozenset[int]() if self._entry is None else self._entry.keys
        loose = int((view.det_state == DetState.FALSE_POSITIVE).sum())
        over = (review.evaluation, review.classes, view)
        if review.unjudged:
            self.legend.set_counts({ErrorKind.UNJUDGED: loose})
            shown, close = unjudged_boxes(*over, kinds=self.legend.kinds()), unjudged_boxes(*over)
        else:
            self.legend.set_counts(
                {
                    ErrorKind.TP: int((view.det_state == DetState.TRUE_POSITIVE).sum()),
                    ErrorKind.FP: loose,
                    ErrorKind.FN: int((view.gt_state == GtState.MISSED).sum()),
                }
            )
            shown = overlay_boxes(*over, kinds=self.legend.kinds(), also=selection)
            close = overlay_boxes(*over, with_labels=True)
        self.canvas.set_boxes(shown)
        self.canvas.set_selection(selection)
        self.crop.set_boxes(close)
        self.crop.set_selection(selection)
        self.details.show_entry(self._entry, self._overlap_text())

    def _follow_threshold(self, threshold: float) -> None:
        """As long as no detection of the image comes or goes, nothing on it changes."""
        review = self._live.review
        if review is None or not self._shown_id:
            return
        if len(review.evaluation.image_view(self._shown_id, threshold).det_rows) != self._detections:
            self.refresh()

    def zoom_to_entry(self) -> None:
        if self._entry is not None and self._ready:
            self.canvas.camera.zoom_to_box(self._entry.extent)

    def _overlap_text(self) -> str:
        entry, review = self._entry, self._live.review
        if entry is None or review is None:
            return ""
        return overlap_text(entry, review.evaluation, review.classes, self._live.threshold)

    def _pick(self, selection: frozenset[int]) -> None:
        if len(selection) == 1:
            self.key_chosen.emit(next(iter(selection)))

    def _show_loaded(self, path: Path, image: ImageLevels) -> None:
        if path != self._path:
            return
        self._notice.stop()
        self._ready = True
        for canvas in (self.canvas, self.crop):
            canvas.set_image(image)
        self.refresh()
        self._zoom_crop()

    def _zoom_crop(self) -> None:
        entry = self._entry
        if entry is None or not self._ready:
            return
        self.crop.camera.zoom_to_box(entry.extent)

    def _show_failure(self, path: Path, error: ReticleError) -> None:
        if path == self._path:
            self._notice.stop()
            self._say("This image cannot be shown", str(error))

    def _show_loading(self) -> None:
        self._say("Loading…", "")

    def _say(self, title: str, text: str) -> None:
        self.canvas.set_placeholder(title, text)
        for canvas in (self.canvas, self.crop):
            canvas.set_image(None)

    def _compose(self) -> None:
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.bar)
        left.addWidget(self.canvas, 1)
        whole = QWidget()
        whole.setLayout(left)
        whole.setMinimumWidth(_CANVAS_MIN_WIDTH)
        self.crop.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.crop.setMaximumHeight(_CROP_WIDTH)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.crop, 100)
        right.addWidget(self.details)
        right.addStretch(1)
        side = QWidget()
        side.setProperty("role", "panel")
        side.setLayout(right)
        side.setMinimumWidth(_SIDE_MIN_WIDTH)
        for canvas in (self.canvas, self.crop):
            canvas.setFrameShape(QFrame.Shape.NoFrame)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(whole)
        splitter.addWidget(side)
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([700, _CROP_WIDTH])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(splitter)

    def _restyle(self) -> None:
        for canvas in (self.canvas, self.crop):
            canvas.set_surround(self._context.theme.color("surround"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Without room the crop gives way: what it shows is on the whole image as well, the words are not."""
        super().resizeEvent(event)
        taken = self.details.heightForWidth(self.details.width())
        self.crop.setVisible(self.height() - taken >= _CROP_MIN_HEIGHT)
        self._zoom_crop()
