"""Files that are not what was labelled: said in a strip above the canvas, with the ways out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.label.viewer import ImageViewer
from app.services.context import AppContext, apply_edit
from app.services.figures import counted
from app.services.theme import Theme
from detcore.project.new_sizes import keep_boxes, scale_boxes

_SCALE_TIP = "The whole image was made larger or smaller: the boxes grow or shrink with it"
_KEEP_TIP = "The image was cut or replaced: the boxes stay where they are, what reaches out of it is cut off"
_LOCATE = "global.find_images"
_SIGN = 18
Choice = tuple[str, str, Callable[[], object]]
"""A button's words, its tooltip, and what it does."""


class ImageNotice(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._sign = QLabel()
        self.text = QLabel(wordWrap=True)
        self.buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 6, 8, 6)
        self._row.setSpacing(8)
        self._row.addWidget(self._sign)
        self._row.addWidget(self.text, 1)
        theme.changed.connect(self._paint_sign)
        self._paint_sign()
        self.hide()

    def show_notice(self, text: str, choices: Sequence[Choice] = ()) -> None:
        """Say something, with a button for each thing to do about it; "" for nothing."""
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        self.text.setText(text)
        for words, tip, act in choices:
            button = QPushButton(words)
            button.setToolTip(tip)
            # the keys stay with the canvas
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(act)
            self._row.addWidget(button)
            self.buttons.append(button)
        self.setVisible(bool(text))

    def _paint_sign(self) -> None:
        icon = self._theme.icon("alert-outline", color=self._theme.tokens.warning)
        self._sign.setPixmap(icon.pixmap(_SIGN, _SIGN))


class FileNotices(QObject):
    """Follows the image that is shown. An image whose file is of another size than its boxes were drawn at
    waits for a decision; one whose file is gone leads to the folder where the images are now."""

    def __init__(
        self, context: AppContext, viewer: ImageViewer, notice: ImageNotice, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._viewer, self._notice = context, viewer, notice
        viewer.showing_changed.connect(self._show)

    def _show(self) -> None:
        viewer = self._viewer
        if viewer.other_size is not None:
            self._ask_about_boxes(viewer.other_size)
        elif viewer.is_missing:
            locate = self._context.actions[_LOCATE]
            text = "The file of this image is not where it was."
            self._notice.show_notice(text, [("Locate…", locate.toolTip(), locate.trigger)])
        else:
            self._notice.show_notice("")

    def _ask_about_boxes(self, size: tuple[int, int]) -> None:
        project, image_id = self._context.document.project, self._context.view.image_id
        image, count = project.image(image_id), project.box_count(image_id)
        boxes = counted(count, "box was", "boxes were")
        self._notice.show_notice(
            f"This file is {size[0]}×{size[1]} now; its {boxes} drawn at {image.width}×{image.height}. "
            "Until you choose, it is neither learnt from nor exported.",
            [
                (
                    "Scale the boxes",
                    _SCALE_TIP,
                    lambda: apply_edit(self._context, scale_boxes, {image_id: size}),
                ),
                (
                    "Keep the boxes",
                    _KEEP_TIP,
                    lambda: apply_edit(self._context, keep_boxes, {image_id: size}),
                ),
            ],
        )
