"""What is above the list of images: search, status, order, and a menu of further conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.label.models.class_model import ClassModel
from app.label.models.image_filter import BOX_RANGES, FLAG_TITLES, NO_SPLIT, BoxCondition, ImageFilter
from app.label.models.image_model import ImageModel
from app.services.theme import Theme
from app.widgets.flow_layout import FlowLayout
from detcore.types import Status

ROOM_FOR_TWO = 250
"""Pixels of width from which on status and order stand beside each other."""
UNREADABLE = "Cannot be shown"
STATUSES: tuple[tuple[str, Status | None], ...] = (
    ("All images", None),
    ("Not seen yet", Status.UNSEEN),
    ("In progress", Status.IN_PROGRESS),
    ("Verified", Status.VERIFIED),
    (UNREADABLE, None),
)
CHIP_WIDTH = 200


class ListOrder(IntEnum):
    """In which order the images are listed."""

    AS_LISTED = 0
    TO_LABEL_NEXT = 1
    BY_TWO_RUNS = 2


ORDERS: tuple[tuple[str, ListOrder, str], ...] = (
    ("As listed", ListOrder.AS_LISTED, "In the order in which the images were added"),
    (
        "To label next",
        ListOrder.TO_LABEL_NEXT,
        "Unlabelled images first, those on top from which a model would learn most: the newest run is unsure "
        "about them, and they look unlike the others",
    ),
    (
        "Runs differ",
        ListOrder.BY_TWO_RUNS,
        "As to label next, but on those on top the two newest runs also find different things",
    ),
)


class ImageFilterBar(QWidget):
    """Collects an ``ImageFilter`` and an order. Conditions of the menu stand below as chips; a click on one
    lifts it.

    Signals:
        filter_chosen(object): an ``ImageFilter``.
        order_chosen(int): the user chose a ``ListOrder``, perhaps the one that was chosen already.
    """

    filter_chosen = Signal(object)
    order_chosen = Signal(int)

    def __init__(
        self, images: ImageModel, classes: ClassModel, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._images, self._classes, self._theme = images, classes, theme
        self._chosen = ImageFilter()
        self.search = QLineEdit(placeholderText="Find an image", clearButtonEnabled=True)
        self.search.setAccessibleName("Find an image")
        self.more = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setToolTip("<b>More filters</b><br>By split, class, flag and number of boxes")
        self.more.setAccessibleName("More filters")
        self.more.setMenu(QMenu(self.more))
        self.more.menu().aboutToShow.connect(self._fill_menu)
        self.status = QComboBox()
        self.status.setAccessibleName("Which images to list")
        for text, _ in STATUSES:
            self.status.addItem(text)
        self.status.setItemData(
            self.status.findText(UNREADABLE),
            "Of the images that were looked at, those whose files are missing or broken",
            Qt.ItemDataRole.ToolTipRole,
        )
        self.order = QComboBox()
        self.order.setAccessibleName("In which order to list the images")
        for row, (text, _, tip) in enumerate(ORDERS):
            self.order.addItem(text)
            self.order.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips, spacing=4)
        self._compose()
        self.search.textChanged.connect(lambda text: self._choose(search=text))
        self.status.currentIndexChanged.connect(self._choose_status)
        self.order.activated.connect(lambda row: self.order_chosen.emit(ORDERS[row][1]))
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.show_order(ListOrder.AS_LISTED)
        self._show_chips()

    @property
    def chosen(self) -> ImageFilter:
        return self._chosen

    def clear(self) -> None:
        """List all images again."""
        self.search.clear()
        self.status.setCurrentIndex(0)
        self._choose(split=None, boxes=None, box=BoxCondition())

    def show_order(self, order: ListOrder) -> None:
        """Say which order is shown, or being found."""
        row = next(row for row, (_, item, _) in enumerate(ORDERS) if item is order)
        self.order.setCurrentIndex(row)
        self.order.setToolTip(ORDERS[row][2])

    def _compose(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(4)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.search, 1)
        top.addWidget(self.more)
        layout.addLayout(top)
        self._choices = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._choices.setSpacing(4)
        for box, share in ((self.status, 9), (self.order, 11)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            self._choices.addWidget(box, share)
        layout.addLayout(self._choices)
        layout.addWidget(self._chips)

    def _choose(self, **conditions: object) -> None:
        wanted = replace(self._chosen, **conditions)  # type: ignore[arg-type]
        if wanted != self._chosen:
            self._chosen = wanted
            self._show_chips()
            self.filter_chosen.emit(wanted)

    def _choose_status(self, row: int) -> None:
        text, status = STATUSES[row]
        self._choose(status=status, unreadable=text == UNREADABLE)

    def _conditions(self) -> list[tuple[str, dict[str, object]]]:
        """What the menu has added: its words, and what lifts it."""
        wanted, found = self._chosen, list[tuple[str, dict[str, object]]]()
        if wanted.split is not None:
            found.append((wanted.split or "No split", {"split": None}))
        if wanted.boxes is not None:
            found.append((wanted.boxes.title, {"boxes": None}))
        if wanted.box.class_id:
            names = {item.id: item.name for item in self._classes.classes}
            found.append(
                (names.get(wanted.box.class_id, "Deleted class"), {"box": replace(wanted.box, class_id=0)})
            )
        if wanted.box.flag:
            found.append((FLAG_TITLES[wanted.box.flag], {"box": replace(wanted.box, flag="")}))
        return found

    def _show_chips(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            chip = item.widget()
            if chip is not None:
                chip.hide()
                chip.deleteLater()
        conditions = self._conditions()
        for text, lifted in conditions:
            chip = QPushButton(self._theme.icon("close"), "")
            chip.setText(chip.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, CHIP_WIDTH))
            chip.setToolTip(f"Listed are images with: {text}. Click to lift this.")
            chip.setProperty("role", "chip")
            chip.clicked.connect(lambda _checked=False, lifted=lifted: self._choose(**lifted))
            self._flow.addWidget(chip)
        self._chips.setVisible(bool(conditions))

    def _fill_menu(self) -> None:
        menu, wanted = self.more.menu(), self._chosen
        menu.clear()
        images = self._images.columns
        names = () if images is None else images.split_names
        splits = [*((name, name) for name in names), ("No split", NO_SPLIT)]
        self._add_choices(menu, "Split", "Any split", splits, wanted.split, "split")
        ranges = [(item.title, item) for item in BOX_RANGES]
        self._add_choices(menu, "Boxes", "Any number", ranges, wanted.boxes, "boxes")
        classes = [(item.name, replace(wanted.box, class_id=item.id)) for item in self._classes.classes]
        self._add_choices(
            menu, "Class", "Any class", classes, wanted.box, "box", none=replace(wanted.box, class_id=0)
        )
        flags = [(title, replace(wanted.box, flag=name)) for name, title in FLAG_TITLES.items()]
        self._add_choices(
            menu, "Flag", "Any box", flags, wanted.box, "box", none=replace(wanted.box, flag="")
        )
        menu.addSeparator()
        menu.addAction("List all images", self.clear)

    def _add_choices(
        self,
        menu: QMenu,
        title: str,
        any_title: str,
        choices: list,
        current: object,
        condition: str,
        *,
        none: object = None,
    ) -> None:
        part = menu.addMenu(title)
        part.setEnabled(bool(choices))
        group = QActionGroup(part)
        for text, value in [(any_title, none), *choices]:
            action = part.addAction(text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(value == current)
            action.triggered.connect(self._chooser(condition, value))
            group.addAction(action)

    def _chooser(self, condition: str, value: object) -> Callable[[], None]:
        return lambda: self._choose(**{condition: value})

    def _paint_icons(self) -> None:
        self.more.setIcon(self._theme.icon("filter-variant"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = event.size().width() >= ROOM_FOR_TWO
        direction = QBoxLayout.Direction
        self._choices.setDirection(direction.LeftToRight if beside else direction.TopToBottom)
