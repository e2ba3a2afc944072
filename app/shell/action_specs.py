"""What the user can do on every page, and the actions of all pages put together."""

from __future__ import annotations

from app.export.action_specs import EXPORT_ACTIONS
from app.label.action_specs import LABEL_ACTIONS, tool_actions
from app.review.action_specs import REVIEW_ACTIONS
from app.services.actions import ActionSpec
from app.train.action_specs import TRAIN_ACTIONS

GLOBAL_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "global.open_folder",
        "Open image folder…",
        ("Ctrl+O",),
        icon="folder-image",
        tip="Make a project of a folder of images",
    ),
    ActionSpec(
        "global.new_project",
        "New project…",
        icon="folder-plus-outline",
        tip="A project of its own, wherever you want it, for a folder of images",
    ),
    ActionSpec("global.open_project", "Open project…", ("Ctrl+Shift+O",), icon="folder-open-outline"),
    ActionSpec(
        "global.import",
        "Import dataset…",
        ("Ctrl+I",),
        icon="database-import-outline",
        tip="Read labels that another tool wrote",
    ),
    ActionSpec(
        "global.import_detections",
        "Import detections…",
        icon="import",
        tip="Review what another program has found, or another person labelled",
    ),
    ActionSpec(
        "global.find_images",
        "Locate the images…",
        icon="folder-search-outline",
        tip="Choose the folder where the images of the project are now, or one above it",
    ),
    ActionSpec(
        "global.new_images",
        "Look for new images",
        icon="image-plus-outline",
        tip="Add the images that came into the folder since, and find those that were renamed there",
    ),
    ActionSpec(
        "global.link_files",
        "Edit label files in place…",
        icon="file-sync-outline",
        tip="Write each edit into the label files of other programs at once, and notice what they change",
    ),
    ActionSpec(
        "global.file_changes",
        "Changes of other programs…",
        icon="file-compare",
        tip="See what others changed in the label files that are edited in place, and take or refuse it",
    ),
    ActionSpec(
        "global.duplicates",
        "Near-duplicates…",
        ("Ctrl+T",),
        icon="image-multiple-outline",
        tip="Find images that look the same, and those that lie in two splits",
    ),
    ActionSpec(
        "global.divide",
        "Divide the images…",
        icon="call-split",
        tip="Put the images into train, val and test by chance, from a seed",
    ),
    ActionSpec(
        "global.sample", "Try the sample", icon="shape-outline", tip="A small project with mistakes to find"
    ),
    ActionSpec("global.undo", "Undo", ("Ctrl+Z",), icon="undo"),
    ActionSpec("global.redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), icon="redo"),
    ActionSpec("global.page_label", "Label", ("Ctrl+1",), icon="vector-square-edit", checkable=True),
    ActionSpec("global.page_train", "Train", ("Ctrl+2",), icon="chart-line", checkable=True),
    ActionSpec("global.page_review", "Review", ("Ctrl+3",), icon="image-search-outline", checkable=True),
    ActionSpec("global.page_export", "Export", ("Ctrl+4",), icon="export-variant", checkable=True),
    ActionSpec("global.palette", "Find an action…", ("Ctrl+K",), icon="magnify"),
    ActionSpec(
        "global.theme",
        "Light or dark",
        ("Ctrl+Shift+L",),
        icon="theme-light-dark",
        tip="Switch between the light and the dark theme",
    ),
    ActionSpec(
        "global.messages",
        "Messages",
        ("Ctrl+M",),
        icon="message-text-outline",
        tip="Read earlier messages again",
    ),
    ActionSpec("global.message_action", "Do what the message offers", ("Ctrl+J",), icon="gesture-tap-button"),
    ActionSpec("global.close_message", "Close the message", ("Ctrl+Shift+J",), icon="close"),
    ActionSpec("global.settings", "Settings…", ("Ctrl+,",), icon="cog-outline"),
    ActionSpec("global.help", "Keys and mouse", ("F1",), icon="help-circle-outline"),
    ActionSpec("global.manual", "Manual", ("Shift+F1",), icon="book-open-outline"),
    ActionSpec("global.about", "About Reticle", icon="information-outline"),
    ActionSpec("global.quit", "Quit", ("Ctrl+Q",)),
)


def all_actions() -> tuple[ActionSpec, ...]:
    """In the order of the palette and of F1; the tools of plug-ins have theirs as well."""
    everywhere = [key for spec in GLOBAL_ACTIONS for key in spec.keys]
    return (
        *GLOBAL_ACTIONS,
        *tool_actions(taken=everywhere),
        *LABEL_ACTIONS,
        *TRAIN_ACTIONS,
        *REVIEW_ACTIONS,
        *EXPORT_ACTIONS,
    )
