"""What the user can do on the Label page."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from app.canvas.tools.registry import all_tools
from app.canvas.tools.spec import ToolSpec
from app.services.actions import ActionSpec
from app.services.keymaps import KEYMAPS, portable_key

_log = logging.getLogger(__name__)

LABEL_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "label.previous_image",
        "Previous image",
        ("A", "PgUp"),
        icon="chevron-left",
        short="Previous",
        repeat=True,
    ),
    ActionSpec(
        "label.next_image", "Next image", ("D", "PgDown"), icon="chevron-right", short="Next", repeat=True
    ),
    ActionSpec(
        "label.next_unverified",
        "Next unverified image",
        ("Ctrl+Shift+D",),
        icon="skip-next-outline",
        short="Next unverified",
        repeat=True,
    ),
    ActionSpec(
        "label.verify",
        "Verified, next",
        ("Space",),
        icon="check-circle-outline",
        tip="Mark the image as done, also when it has no boxes, and go on",
        short="Verify",
    ),
    ActionSpec(
        "label.toggle_verified",
        "Verified",
        ("Shift+Space",),
        icon="check",
        tip="Mark or unmark the image as done",
    ),
    ActionSpec("label.delete", "Delete boxes", ("Del", "Backspace"), icon="delete-outline"),
    ActionSpec("label.duplicate", "Duplicate boxes", ("Ctrl+D",), icon="content-duplicate"),
    ActionSpec("label.copy", "Copy boxes", ("Ctrl+C",), icon="content-copy"),
    ActionSpec(
        "label.paste",
        "Paste boxes",
        ("Ctrl+V",),
        icon="content-paste",
        tip="Adds the copied boxes to this image",
    ),
    ActionSpec("label.select_all", "Select all boxes", ("Ctrl+A",), icon="select-all"),
    ActionSpec(
        "label.edit_class",
        "Change class…",
        ("E",),
        icon="tag-outline",
        tip="Give the selected boxes another class",
    ),
    ActionSpec(
        "label.difficult",
        "Difficult",
        ("Ctrl+Shift+F",),
        icon="alert-outline",
        tip="Mark the selected boxes as difficult",
    ),
    ActionSpec(
        "label.tighten",
        "Tighten",
        ("C",),
        icon="arrow-collapse-all",
        tip="Make the selected boxes fit what they hold. It is seen dashed first: Enter, or this key again, takes it",
    ),
    ActionSpec(
        "label.proposals",
        "Show proposals",
        ("P",),
        icon="auto-fix",
        tip="What a run has found lies on the image, dashed, where nothing is labelled yet",
        short="Proposals",
        checkable=True,
    ),
    ActionSpec(
        "label.accept_proposal",
        "Accept proposal",
        ("Q",),
        icon="check",
        tip="Make labels of the selected proposals, or of the one under the pointer. A number key gives them its class, "
        "a click accepts one, and so does dragging its edge",
    ),
    ActionSpec(
        "label.reject_proposal",
        "Reject proposal",
        ("X",),
        icon="close",
        tip="There is no such object: no run proposes it again",
    ),
    ActionSpec(
        "label.next_proposal",
        "Next proposal",
        ("Tab",),
        icon="arrow-right",
        tip="Select the next proposal, the surest first",
        repeat=True,
        where_focused=True,
    ),
    ActionSpec(
        "label.previous_proposal",
        "Previous proposal",
        ("Shift+Tab",),
        icon="arrow-left",
        repeat=True,
        where_focused=True,
    ),
    ActionSpec(
        "label.accept_all",
        "Accept all, verified, next",
        ("G",),
        icon="check-all",
        tip="Make labels of all proposals that are shown, mark the image as done, and go on",
        short="Accept all",
    ),
    ActionSpec(
        "label.accept_everywhere",
        "Accept everywhere…",
        ("Ctrl+Shift+G",),
        icon="check-underline-circle-outline",
        tip="Make labels of the proposals on all images without labels, after a look at samples",
    ),
    ActionSpec(
        "label.find_similar",
        "Find similar",
        ("S",),
        icon="select-search",
        tip="Propose what looks like the selected boxes on this image; again: take it away",
    ),
    ActionSpec(
        "label.similar_on_next",
        "Find similar on the next images…",
        ("Ctrl+Shift+S",),
        icon="image-search-outline",
        tip="Propose what looks like the selected boxes on images that follow in the list",
    ),
    ActionSpec(
        "label.drop_similar",
        "Take away what was found similar",
        ("Esc",),
        icon="close",
        where_focused=True,
    ),
    ActionSpec(
        "label.learn",
        "Learn while I label",
        ("L",),
        icon="school-outline",
        tip="A detector learns beside the window from the images that are verified, and proposes on the next ones",
        checkable=True,
    ),
    ActionSpec(
        "label.follow_sequences",
        "Carry boxes along sequences",
        icon="filmstrip",
        tip="Where file names count up, what is labelled on one image is proposed on the next, where it is seen again",
        checkable=True,
    ),
    ActionSpec(
        "label.interpolate",
        "Fill between labelled frames…",
        icon="arrow-expand-horizontal",
        tip="Proposes on all images between two labelled ones of a sequence what is labelled on both",
    ),
    ActionSpec("label.new_class", "New class…", ("Ctrl+N",), icon="tag-plus-outline"),
    ActionSpec(
        "label.class_names",
        "Read class names…",
        icon="tag-multiple-outline",
        tip="Add the classes that a file lists: one name a line, or a data.yaml",
        short="From a file…",
    ),
    ActionSpec("label.fit", "Fit the image", ("Ctrl+0", "F"), icon="fit-to-screen-outline"),
    ActionSpec("label.actual_size", "Actual size", ("Ctrl+=",), icon="numeric-1-box-outline"),
    ActionSpec("label.zoom_in", "Zoom in", ("Ctrl++",), icon="magnify-plus-outline", repeat=True),
    ActionSpec("label.zoom_out", "Zoom out", ("Ctrl+-",), icon="magnify-minus-outline", repeat=True),
    ActionSpec("label.zoom_selection", "Zoom to the selection", ("Z",), icon="image-filter-center-focus"),
    ActionSpec("label.names", "Show class names", ("T",), icon="tag-text-outline", checkable=True),
    ActionSpec("label.boxes", "Show boxes", ("H",), icon="eye-outline", checkable=True),
    ActionSpec(
        "label.pictures",
        "Pictures in the list",
        icon="view-list-outline",
        tip="Small pictures in the list of images, or more rows",
        checkable=True,
    ),
    ActionSpec("label.find", "Find an image", ("Ctrl+F",), icon="magnify"),
    ActionSpec(
        "label.to_label_next",
        "List by what to label next",
        ("Ctrl+U",),
        icon="sort-descending",
        tip="Unlabelled images first, those on top from which a model would learn most",
        checkable=True,
    ),
    ActionSpec(
        "label.remove_image",
        "Remove the image",
        ("Ctrl+Shift+Del",),
        icon="image-remove-outline",
        tip="Take the image and its boxes out of the project; the file stays",
    ),
    *(ActionSpec(f"label.class_{n}", f"Class {n}", (str(n),), fixed=True) for n in range(1, 10)),
)


def tool_action(tool: ToolSpec) -> str:
    """The id of the action that takes a tool."""
    return f"label.{tool.id}_tool"


def tool_actions(taken: Iterable[str]) -> list[ActionSpec]:
    """An action for each tool, also those of plug-ins; of these a key is left out that another action has, by
    whichever preset, or that is ``taken`` on every page."""
    holders = {key: spec.id for spec in LABEL_ACTIONS for key in spec.keys}
    holders |= {key: name for preset in KEYMAPS.values() for name, keys in preset.items() for key in keys}
    holders |= dict.fromkeys(taken, "")
    made: list[ActionSpec] = []
    for tool in all_tools().values():
        name, keys = tool_action(tool), [portable_key(key) for key in tool.keys]
        free = tuple(key for key in keys if key and holders.setdefault(key, name) == name)
        if len(free) < len(keys):
            _log.warning("the tool %s has the keys %s alone: others are taken, or none", tool.id, free)
        made.append(
            ActionSpec(name, tool.title, free, icon=tool.icon, tip=tool.tip, short=tool.short, checkable=True)
        )
    return made
