"""Binds the actions of the Label page to what they do, and fills its tool bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QActionGroup

from app.canvas.tools.registry import all_tools
from app.label.action_specs import tool_action
from detcore.errors import ConfigError

if TYPE_CHECKING:
    from app.label.page import LabelPage

WALKING = ("label.previous_image", "label.next_image", "label.next_unverified", "label.verify")
TOOLBAR_RIGHT = (
    ("global.undo", "global.redo"),
    ("label.fit", "label.actual_size", "label.zoom_selection", "label.boxes", "label.names"),
)

BOX_MENU = (
    *("edit_class", "duplicate", "copy", "tighten", "difficult", "find_similar", "similar_on_next"),
    *("zoom_selection", "delete"),
)
PROPOSAL_MENU = ("accept_proposal", "reject_proposal", "next_proposal", "tighten")
EMPTY_MENU = ("paste", "select_all", "fit", "actual_size")


def bind_label_actions(page: LabelPage) -> None:
    """Connect every ``label.*`` action."""
    actions, view, canvas, editing = page.context.actions, page.context.view, page.canvas, page.editing
    decisions = page.decisions

    def has_image() -> bool:
        return view.image_id != 0

    def is_showing() -> bool:
        return page.viewer.is_showing

    def has_class(key: int) -> bool:
        return has_image() and page.classes.with_key(key) != 0

    def has_labels() -> bool:
        return any(box_id > 0 for box_id in view.selection)

    def means_proposals() -> bool:
        return is_showing() and bool(decisions.meant)

    def has_proposals() -> bool:
        return is_showing() and len(page.proposals.rows) > 0

    def may_step() -> bool:
        """Also where nothing is left: Tab stays on the picture."""
        return is_showing() and page.proposals.is_visible and page.proposals.proposer is not None

    def delete() -> None:
        if canvas.is_busy:  # what is being dragged stays in the hand
            return
        if decisions.has_selected:
            decisions.reject()
        else:
            editing.delete(box_id for box_id in view.selection if box_id > 0)

    def use_tool(tool: str) -> None:
        try:
            canvas.set_tool(tool)
        except ConfigError as error:
            actions[tool_action(all_tools()[canvas.tool()])].setChecked(True)
            page.context.messages.error(error, doing=f"use the tool {all_tools()[tool].title}")

    tools = QActionGroup(page)
    for spec in all_tools().values():
        action = actions.bind(
            tool_action(spec),
            lambda tool=spec.id: use_tool(tool),
            when=is_showing if spec.edits else has_image,
        )
        action.setChecked(spec.id == canvas.tool())
        tools.addAction(action)
    for name, visible in (("names", canvas.set_names_visible), ("boxes", canvas.set_boxes_visible)):
        action = actions[f"label.{name}"]
        action.setChecked(True)
        action.toggled.connect(visible)
        actions.bind(f"label.{name}", lambda: None, when=has_image)

    proposals = actions["label.proposals"]
    proposals.setChecked(page.proposals.is_shown)
    proposals.toggled.connect(page.proposals.show)
    actions["label.boxes"].toggled.connect(page.proposals.show_boxes)
    page.proposals.changed.connect(actions.refresh)
    actions.bind("label.proposals", lambda: None, when=has_image)
    for name in ("next_proposal", "previous_proposal", "drop_similar"):
        canvas.addAction(actions[f"label.{name}"])

    learn = actions["label.learn"]
    learn.setChecked(page.learning.is_wanted)
    learn.triggered.connect(page.learning.want)
    page.learning.changed.connect(lambda: learn.setChecked(page.learning.is_wanted))
    actions.bind("label.learn", lambda: None, when=lambda: page.context.document.is_open)

    following = actions["label.follow_sequences"]
    following.setChecked(page.sequences.is_following)
    following.toggled.connect(page.sequences.follow)
    actions.bind("label.follow_sequences", lambda: None, when=lambda: page.context.document.is_open)

    pictures = actions["label.pictures"]
    pictures.setChecked(page.context.settings.list_pictures)
    pictures.toggled.connect(page.show_list_pictures)
    actions.bind("label.pictures", lambda: None, when=lambda: page.context.document.is_open)

    bound = (
        ("previous_image", lambda: page.walk.go(-1), has_image),
        ("next_image", lambda: page.walk.go(1), has_image),
        ("next_unverified", page.walk.go_to_unverified, has_image),
        ("verify", page.walk.verify_and_go_on, has_image),
        ("toggle_verified", page.walk.toggle_verified, has_image),
        ("delete", delete, lambda: bool(view.selection)),
        ("duplicate", editing.duplicate, has_labels),
        ("copy", editing.copy, has_labels),
        ("paste", editing.paste, lambda: is_showing() and editing.can_paste),
        ("select_all", lambda: view.select(frozenset(box.id for box in page.boxes.boxes)), is_showing),
        ("edit_class", page.naming.ask_for_selection, lambda: bool(view.selection)),
        ("difficult", lambda: editing.toggle_flag("difficult"), has_labels),
        (
            "tighten",
            page.tightening.go_on,
            lambda: page.tightening.is_possible and actions["label.boxes"].isChecked(),
        ),
        ("accept_proposal", decisions.accept, means_proposals),
        ("reject_proposal", decisions.reject, means_proposals),
        ("next_proposal", lambda: decisions.step(1), may_step),
        ("previous_proposal", lambda: decisions.step(-1), may_step),
        ("accept_all", decisions.accept_all_and_go_on, has_proposals),
        ("find_similar", page.similar.toggle, lambda: is_showing() and page.similar.is_possible),
        ("similar_on_next", page.similar.ask_for_next, lambda: page.similar.is_possible_on_next),
        ("drop_similar", page.similar.take_away, lambda: page.similar.is_shown),
        ("accept_everywhere", page.everywhere.ask, lambda: page.everywhere.is_possible),
        ("interpolate", page.filling.ask, has_image),
        ("new_class", page.classes.new, lambda: page.context.document.is_open),
        ("class_names", page.classes.ask_names, lambda: page.context.document.is_open),
        ("fit", canvas.camera.fit, has_image),
        ("actual_size", canvas.camera.zoom_to_actual, has_image),
        ("zoom_in", canvas.camera.zoom_in, has_image),
        ("zoom_out", canvas.camera.zoom_out, has_image),
        ("zoom_selection", page.zoom_to_selection, lambda: bool(view.selection)),
        ("remove_image", lambda: page.walk.remove([view.image_id]), has_image),
        ("to_label_next", page.ordering.toggle, lambda: page.context.document.is_open),
        ("find", page.find_image, lambda: page.context.document.is_open),
    )
    for name, callback, when in bound:
        actions.bind(f"label.{name}", callback, when=when)
    for key in range(1, 10):
        actions.bind(
            f"label.class_{key}",
            lambda key=key: page.use_class(page.classes.with_key(key)),
            when=lambda key=key: has_class(key),
        )

    walking = [actions[name] for name in WALKING]
    page.toolbar.addActions(tools.actions())
    page.toolbar.addSeparator()
    page.toolbar.addActions(walking)
    page.add_toolbar_space()
    for number, group in enumerate(TOOLBAR_RIGHT):
        if number:
            page.toolbar.addSeparator()
        for name in group:
            page.add_icon_action(actions[name])
    page.words.add([*tools.actions(), *walking])


def name_class_actions(page: LabelPage) -> None:
    """The keys 1 to 9 are called by the classes they stand for; keys without a class are not offered."""
    names = {item.key: item.name for item in page.class_model.classes if item.key}
    for key in range(1, 10):
        action = page.context.actions[f"label.class_{key}"]
        action.setVisible(key in names)
        action.setText(f"Class {names[key]}" if key in names else f"Class {key}")
    page.context.actions.refresh()
