"""The Label page: images left, canvas, classes and boxes right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.canvas.tools.registry import all_tools
from app.canvas.view import ImageCanvas
from app.label.action_specs import tool_action
from app.label.actions import (
    BOX_MENU,
    EMPTY_MENU,
    PROPOSAL_MENU,
    bind_label_actions,
    name_class_actions,
)
from app.label.assist.everywhere import AcceptingEverywhere
from app.label.assist.filling import FillingBetween
from app.label.assist.learning import LiveLearning
from app.label.assist.proposal_decisions import ProposalDecisions
from app.label.assist.proposals import Proposals
from app.label.assist.sequences import SequenceProposals
from app.label.assist.similar import FindingSimilar
from app.label.assist.suggesting import ClassSuggesting
from app.label.assist.tightening import Tightening
from app.label.classes import ClassEditing
from app.label.current_boxes import CurrentBoxes
from app.label.editing import LabelEditing
from app.label.file_notices import FileNotices, ImageNotice
from app.label.filtering import ImageFiltering
from app.label.image_menu import ImageMenu
from app.label.models.box_model import BoxModel
from app.label.models.class_model import ClassModel
from app.label.models.image_model import ImageModel
from app.label.naming import BoxNaming
from app.label.order import ImageOrdering
from app.label.verifying import Verifying
from app.label.viewer import ImageViewer, PlaceText
from app.label.walk import ImageWalk
from app.label.widgets.box_details import BoxDetails
from app.label.widgets.box_table import BoxTable
from app.label.widgets.class_list import ClassList
from app.label.widgets.image_list import ImageList
from app.label.widgets.learning_strip import LearningStrip
from app.label.widgets.proposal_bar import ProposalBar
from app.label.widgets.welcome import Welcome
from app.services.actions import key_text
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from app.widgets.page import Page
from detcore.types import Changes, FloatArray

CANVAS_WIDTH = 440
"""What the canvas has before the panels beside it have their widths."""


class LabelPage(Page):
    """Composes the lists and the canvas.

    Signals:
        status_changed(str): cursor position and zoom, for the status bar.
        paths_dropped(list): each a ``Path`` dropped on the page.
    """

    status_changed = Signal(str)
    paths_dropped = Signal(list)

    def __init__(self, context: AppContext, loader: ImageLoader) -> None:
        super().__init__("label", context)
        self.images = ImageModel(context.document, self)
        self.class_model = ClassModel(context.document, self)
        current = CurrentBoxes(context.document, context.view)
        self.boxes = BoxModel(context.document, context.view, current, self)
        self.canvas = ImageCanvas()
        self.canvas.setProperty("role", "canvas")
        self.editing = LabelEditing(context, current, self)
        self.classes = ClassEditing(context, self.class_model, self)
        self.proposals = Proposals(context, current, self)
        self.viewer = ImageViewer(context, loader, self.canvas, self.images, current, self.proposals)
        self.verifying = Verifying(context, self.editing, self.viewer, self)
        self.walk = ImageWalk(context, self.images, self.editing, self.verifying, self)
        self.decisions = ProposalDecisions(
            context, self.proposals, self.canvas, self.viewer, self.editing, self.verifying, self.walk
        )
        self.tightening = Tightening(
            context, self.canvas, self.viewer, current, self.proposals, reshape=self._tighten
        )
        self.suggesting = ClassSuggesting(context, self.canvas, current, self.editing, self.proposals)
        self.similar = FindingSimilar(context, self.images, current, self.proposals, self)
        self.everywhere = AcceptingEverywhere(context, self.proposals, self)
        self.sequences = SequenceProposals(context, current, self.proposals, self)
        self.filling = FillingBetween(context, self.sequences)
        self.notice = ImageNotice(context.theme)
        FileNotices(context, self.viewer, self.notice, self)
        self.welcome = Welcome(context.actions, context.theme, context.tasks)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.welcome)
        self.proposal_bar = ProposalBar(context, self.proposals)
        self.desk = _one_above_the_other(self.proposal_bar, self.notice, self.canvas)
        self.middle.addWidget(self.desk)
        self.setCentralWidget(self.middle)
        self.homes = (self.welcome, self.canvas)
        self.image_list = ImageList(self.images, self.class_model, context.theme, context.tasks)
        loader.replaced.connect(self.image_list.thumbnails.forget)
        self.filtering = ImageFiltering(context, self.images, self.image_list.bar, self)
        self.learning = LiveLearning(context, self.images, self.proposals, self)
        self.ordering = ImageOrdering(context, self.images, self.image_list.bar, self.learning, self)
        self.image_menu = ImageMenu(context, self.image_list, self.editing, self.verifying, self.walk, self)
        self.naming = BoxNaming(
            context, self.canvas, self.viewer, self.editing, self.classes, use_class=self.use_class
        )
        self.class_list = ClassList(
            self.class_model,
            context.theme,
            [context.actions[f"label.{name}"] for name in ("new_class", "class_names")],
        )
        self.box_table = BoxTable(self.boxes)
        self.details = BoxDetails()
        self.learning_strip = LearningStrip(context, self.learning)
        self._add_panels()
        self._connect_document()
        self._connect_widgets()
        bind_label_actions(self)
        self.class_model.modelReset.connect(lambda: name_class_actions(self))
        name_class_actions(self)
        self._restyle()
        self._show_welcome()
        self._show_state()

    def zoom_to_selection(self) -> None:
        """Show the selected boxes as large as they fit."""
        extent = self.canvas.selected_extent()
        if extent is not None:
            self.canvas.camera.zoom_to_box(extent)

    def use_class(self, class_id: int) -> None:
        """Selected proposals become labels of a class, else selected labels get it; new boxes have it from now on."""
        if self.decisions.has_selected:
            self.context.view.use_class(class_id)
            self.decisions.accept_as(class_id)
        else:
            self.editing.set_class(class_id)

    def find_image(self) -> None:
        """Put the cursor into the search field."""
        self.images_panel.show()
        self.image_list.bar.search.setFocus()
        self.image_list.bar.search.selectAll()

    def show_list_pictures(self, shown: bool) -> None:
        self.context.settings.list_pictures = shown
        self.image_list.set_pictures_visible(shown)

    def _add_panels(self) -> None:
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.panel_sizes.middle_width = CANVAS_WIDTH
        images = _one_above_the_other(self.image_list, self.learning_strip, stretched=0)
        self.images_panel = self.add_panel("Images", images, left, width=260)
        self.add_panel("Classes", self.class_list, right, width=280, height=260)
        self.add_panel("Boxes", self.box_table, right, width=280, height=340)
        self.add_panel("Selection", self.details, right, width=280, height=210)

    def _connect_document(self) -> None:
        context = self.context
        context.document.opened.connect(self._show_project)
        context.document.closed.connect(self._show_welcome)
        context.document.changed.connect(self._follow)
        context.view.image_changed.connect(self.image_list.show_image)
        context.view.image_changed.connect(lambda _image_id: context.actions.refresh())
        context.view.selection_changed.connect(self._show_selection)
        context.view.class_changed.connect(self._show_class)
        context.theme.changed.connect(self._restyle)
        self.viewer.showing_changed.connect(self._show_state)
        context.actions.keys_changed.connect(self._show_state)

    def _connect_widgets(self) -> None:
        view, canvas = self.context.view, self.canvas
        self.image_list.image_chosen.connect(view.show_image)
        self.class_list.class_chosen.connect(self.use_class)
        self.class_list.edit_requested.connect(self.classes.edit)
        self.class_list.menu_requested.connect(self.classes.show_menu)
        self.class_model.order_wanted.connect(self.classes.reorder)
        self.box_table.selection_chosen.connect(view.select)
        self.box_table.box_activated.connect(lambda _box_id: self.zoom_to_selection())
        self.details.flag_toggled.connect(self.editing.toggle_flag)
        self.details.edge_edited.connect(self._type_edge)
        canvas.box_drawn.connect(self.naming.draw)
        canvas.boxes_edited.connect(self._reshape)
        canvas.selection_changed.connect(view.select)
        canvas.box_activated.connect(self._activate)
        canvas.context_menu_requested.connect(self._show_box_menu)
        PlaceText(canvas).changed.connect(self.status_changed)
        canvas.files_dropped.connect(self.paths_dropped)

    def _show_state(self) -> None:
        """What can be done now, and what the empty box table says about it."""
        actions = self.context.actions
        actions.refresh()
        key = key_text(actions["label.draw_tool"])
        draw = f"Press {key} and drag to draw one." if key else "Choose Draw and drag to draw one."
        self.box_table.set_empty_text(
            f"No boxes on this image. {draw}"
            if self.viewer.is_showing
            else "The boxes of the image that is shown are listed here."
        )

    def _show_project(self) -> None:
        self.image_list.bar.clear()
        self.image_list.thumbnails.clear()
        self.middle.setCurrentWidget(self.desk)
        self.boxes.reload()
        self._use_first_class()
        if not self.walk.start():
            self.canvas.set_placeholder("No images yet", "Drop a folder of images here, or import a dataset.")

    def _show_welcome(self) -> None:
        self.context.view.reset()
        self.welcome.show_recent(self.context.settings.known_projects)
        self.middle.setCurrentWidget(self.welcome)

    def _follow(self, changes: Changes) -> None:
        class_id = self.context.view.class_id
        if changes.classes and class_id not in {item.id for item in self.context.document.project.classes()}:
            self._use_first_class()
        elif changes.classes:
            self._show_class(class_id)
        self._show_selection(self.context.view.selection)

    def _use_first_class(self) -> None:
        classes = self.context.document.project.classes()
        self.context.view.use_class(classes[0].id if classes else 0)

    def _show_selection(self, selection: frozenset[int]) -> None:
        self.box_table.show_selection(selection)
        self.details.show_boxes(self.editing.selected())
        self.context.actions.refresh()

    def _show_class(self, class_id: int) -> None:
        self.class_list.show_class(class_id)
        for item in self.context.document.project.classes() if class_id else ():
            if item.id == class_id:
                self.canvas.set_draw_color(QColor(item.color), item.name)

    def _reshape(self, box_ids: Sequence[int], xyxy: FloatArray) -> None:
        if min(box_ids) < 0:
            self.decisions.accept_moved(box_ids, xyxy)
        else:
            self.editing.reshape(box_ids, xyxy)

    def _tighten(self, box_ids: Sequence[int], xyxy: FloatArray) -> None:
        if min(box_ids) < 0:
            self.decisions.accept_moved(box_ids, xyxy)
        else:
            self.editing.tighten(box_ids, xyxy)

    def _activate(self, box_id: int) -> None:
        if box_id < 0:
            self.decisions.accept_one(box_id)
        else:
            self.naming.ask_for_selection()

    def _type_edge(self, side: str, value: float) -> None:
        self.editing.move_edge(side, value)
        self.details.show_boxes(self.editing.selected())

    def _show_box_menu(self, position: QPoint, box_id: int) -> None:
        if box_id and box_id not in self.context.view.selection:
            self.context.view.select(frozenset({box_id}))
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = PROPOSAL_MENU if box_id < 0 else BOX_MENU if box_id else EMPTY_MENU
        names = [f"label.{name}" for name in chosen]
        if not box_id:
            names[:0] = [tool_action(tool) for tool in all_tools().values() if tool.edits]
        menu.addActions([self.context.actions[name] for name in names])
        menu.popup(position)

    def _restyle(self) -> None:
        self.canvas.set_surround(self.context.theme.color("surround"))


def _one_above_the_other(*widgets: QWidget, stretched: int = -1) -> QWidget:
    """Of which one takes the room that is left."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for widget in widgets:
        column.addWidget(widget)
    column.setStretch(stretched % len(widgets), 1)
    return whole
