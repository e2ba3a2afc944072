"""The table of everything the user can do: text, shortcut, icon, where it works."""

from __future__ import annotations

from dataclasses import dataclass

GLOBAL, LABEL, TRAIN, REVIEW, EXPORT = "global", "label", "train", "review", "export"


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    """One entry. ``keys`` are portable key sequences; the first is shown. ``short`` is for tool bars.

    ``repeat`` lets it be done again and again while its key is held: for going on and looking only, never for
    what writes.
    """

    id: str
    text: str
    scope: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    short: str = ""
    checkable: bool = False
    repeat: bool = False


def _spec(
    id: str,
    text: str,
    *keys: str,
    icon: str = "",
    tip: str = "",
    short: str = "",
    checkable: bool = False,
    repeat: bool = False,
) -> ActionSpec:
    scope = id.split(".")[0]
    return ActionSpec(
        id=id,
        text=text,
        scope=scope,
        keys=keys,
        icon=icon,
        tip=tip,
        short=short,
        checkable=checkable,
        repeat=repeat,
    )


ACTIONS: tuple[ActionSpec, ...] = (
    _spec(
        "global.open_folder",
        "Open image folder…",
        "Ctrl+O",
        icon="folder-image",
        tip="Make a project of a folder of images",
    ),
    _spec(
        "global.new_project",
        "New project…",
        icon="folder-plus-outline",
        tip="A project of its own, wherever you want it, for a folder of images",
    ),
    _spec("global.open_project", "Open project…", "Ctrl+Shift+O", icon="folder-open-outline"),
    _spec(
        "global.import",
        "Import dataset…",
        "Ctrl+I",
        icon="database-import-outline",
        tip="Read labels that another tool wrote",
    ),
    _spec(
        "global.find_images",
        "Locate the images…",
        icon="folder-search-outline",
        tip="Choose the folder where the images of the project are now, or one above it",
    ),
    _spec(
        "global.new_images",
        "Look for new images",
        icon="image-plus-outline",
        tip="Add the images that came into the folder since, and find those that were renamed there",
    ),
    _spec(
        "global.duplicates",
        "Near-duplicates…",
        "Ctrl+T",
        icon="image-multiple-outline",
        tip="Find images that look the same, and those that lie in two splits",
    ),
    _spec(
        "global.divide",
        "Divide the images…",
        icon="call-split",
        tip="Put the images into train, val and test by chance, from a seed",
    ),
    _spec(
        "global.sample", "Try the sample", icon="shape-outline", tip="A small project with mistakes to find"
    ),
    _spec("global.undo", "Undo", "Ctrl+Z", icon="undo"),
    _spec("global.redo", "Redo", "Ctrl+Shift+Z", "Ctrl+Y", icon="redo"),
    _spec("global.page_label", "Label", "Ctrl+1", icon="vector-square-edit", checkable=True),
    _spec("global.page_train", "Train", "Ctrl+2", icon="chart-line", checkable=True),
    _spec("global.page_review", "Review", "Ctrl+3", icon="image-search-outline", checkable=True),
    _spec("global.page_export", "Export", "Ctrl+4", icon="export-variant", checkable=True),
    _spec("global.palette", "Find an action…", "Ctrl+K", icon="magnify"),
    _spec(
        "global.theme",
        "Light or dark",
        "Ctrl+Shift+L",
        icon="theme-light-dark",
        tip="Switch between the light and the dark theme",
    ),
    _spec(
        "global.messages",
        "Messages",
        "Ctrl+M",
        icon="message-text-outline",
        tip="Read earlier messages again",
    ),
    _spec("global.message_action", "Do what the message offers", "Ctrl+J", icon="gesture-tap-button"),
    _spec("global.close_message", "Close the message", "Ctrl+Shift+J", icon="close"),
    _spec("global.settings", "Settings…", "Ctrl+,", icon="cog-outline"),
    _spec("global.help", "Keys and mouse", "F1", icon="help-circle-outline"),
    _spec("global.manual", "Manual", "Shift+F1", icon="book-open-outline"),
    _spec("global.about", "About Reticle", icon="information-outline"),
    _spec("global.quit", "Quit", "Ctrl+Q"),
    _spec(
        "label.select_tool",
        "Select",
        "V",
        icon="cursor-default-outline",
        tip="Select, move and resize boxes",
        checkable=True,
    ),
    _spec(
        "label.draw_tool",
        "Draw box",
        "W",
        "R",
        icon="vector-rectangle",
        short="Draw",
        tip="Drag from corner to corner",
        checkable=True,
    ),
    _spec(
        "label.previous_image",
        "Previous image",
        "A",
        "PgUp",
        icon="chevron-left",
        short="Previous",
        repeat=True,
    ),
    _spec("label.next_image", "Next image", "D", "PgDown", icon="chevron-right", short="Next", repeat=True),
    _spec(
        "label.next_unverified",
        "Next unverified image",
        "Ctrl+Shift+D",
        icon="skip-next-outline",
        short="Next unverified",
        repeat=True,
    ),
    _spec(
        "label.verify",
        "Verified, next",
        "Space",
        icon="check-circle-outline",
        short="Verify",
        tip="Mark the image as done, also when it has no boxes, and go on",
    ),
    _spec(
        "label.toggle_verified",
        "Verified",
        "Shift+Space",
        icon="check",
        tip="Mark or unmark the image as done",
    ),
    _spec("label.delete", "Delete boxes", "Del", "Backspace", icon="delete-outline"),
    _spec("label.duplicate", "Duplicate boxes", "Ctrl+D", icon="content-duplicate"),
    _spec("label.copy", "Copy boxes", "Ctrl+C", icon="content-copy"),
    _spec(
        "label.paste",
        "Paste boxes",
        "Ctrl+V",
        icon="content-paste",
        tip="Adds the copied boxes to this image",
    ),
    _spec("label.select_all", "Select all boxes", "Ctrl+A", icon="select-all"),
    _spec(
        "label.edit_class",
        "Change class…",
        "E",
        icon="tag-outline",
        tip="Give the selected boxes another class",
    ),
    _spec(
        "label.difficult",
        "Difficult",
        "Ctrl+Shift+F",
        icon="alert-outline",
        tip="Mark the selected boxes as difficult",
    ),
    _spec("label.new_class", "New class…", "Ctrl+N", icon="tag-plus-outline"),
    _spec(
        "label.class_names",
        "Read class names…",
        icon="tag-multiple-outline",
        short="From a file…",
        tip="Add the classes that a file lists: one name a line, or a data.yaml",
    ),
    _spec("label.fit", "Fit the image", "Ctrl+0", "F", icon="fit-to-screen-outline"),
    _spec("label.actual_size", "Actual size", "Ctrl+=", icon="numeric-1-box-outline"),
    _spec("label.zoom_in", "Zoom in", "Ctrl++", icon="magnify-plus-outline", repeat=True),
    _spec("label.zoom_out", "Zoom out", "Ctrl+-", icon="magnify-minus-outline", repeat=True),
    _spec("label.zoom_selection", "Zoom to the selection", "Z", icon="image-filter-center-focus"),
    _spec("label.names", "Show class names", "T", icon="tag-text-outline", checkable=True),
    _spec("label.boxes", "Show boxes", "H", icon="eye-outline", checkable=True),
    _spec(
        "label.pictures",
        "Pictures in the list",
        icon="view-list-outline",
        tip="Small pictures in the list of images, or more rows",
        checkable=True,
    ),
    _spec("label.find", "Find an image", "Ctrl+F", icon="magnify"),
    _spec(
        "label.to_label_next",
        "List by what to label next",
        "Ctrl+U",
        icon="sort-descending",
        tip="Unlabelled images first, those on top from which a model would learn most",
        checkable=True,
    ),
    _spec(
        "label.remove_image",
        "Remove the image",
        "Ctrl+Shift+Del",
        icon="image-remove-outline",
        tip="Take the image and its boxes out of the project; the file stays",
    ),
    *(_spec(f"label.class_{n}", f"Class {n}", str(n)) for n in range(1, 10)),
    _spec("train.start", "Train", "Ctrl+Return", icon="play"),
    _spec(
        "train.stop",
        "Stop and keep",
        "Ctrl+.",
        icon="stop",
        tip="Stop at the next step; what was learnt stays, Resume goes on",
    ),
    _spec(
        "train.finish",
        "Finish now",
        "Ctrl+Shift+.",
        icon="flag-checkered",
        tip="Validate once more, keep the best weights, end",
    ),
    _spec("train.resume", "Resume", "Ctrl+R", icon="play-pause", tip="Go on from the run's last checkpoint"),
    _spec(
        "train.predict",
        "Predict again",
        "Ctrl+P",
        icon="image-search-outline",
        tip="Find objects in all images with the run's best weights",
    ),
    _spec(
        "train.crossval",
        "Cross-validate…",
        "X",
        icon="layers-search-outline",
        tip="Let every labelled image be judged by a detector that has not learnt it, to find label errors",
    ),
    _spec("train.discard", "Discard run", "Del", icon="delete-outline", tip="Can be undone"),
    _spec("train.reveal", "Show the run's folder", icon="folder-open-outline"),
    _spec("train.fit", "Fit", "Ctrl+0", "F", icon="fit-to-screen-outline", tip="Show the whole run"),
    _spec(
        "train.smooth",
        "Smooth",
        "S",
        icon="chart-bell-curve-cumulative",
        tip="Draw the running mean of the losses over the measured values",
        checkable=True,
    ),
    _spec(
        "train.logarithmic",
        "Log scale",
        "L",
        icon="math-log",
        tip="Losses on a logarithmic axis",
        checkable=True,
    ),
    _spec("train.learning_rate", "Learning rate", "R", icon="chart-timeline-variant", checkable=True),
    _spec("review.next", "Next error", "Space", "Down", icon="chevron-down", repeat=True),
    _spec("review.previous", "Previous error", "Up", icon="chevron-up", repeat=True),
    _spec(
        "review.accept",
        "Accept prediction as label",
        "Y",
        icon="check",
        tip="The detector is right: add its box to the labels",
    ),
    _spec(
        "review.delete",
        "Delete label",
        "X",
        "Del",
        icon="delete-outline",
        tip="There is no such object here: take the label away",
    ),
    _spec(
        "review.take_class",
        "Take class",
        "C",
        icon="tag-outline",
        tip="The detector is right about the class: the label takes it",
    ),
    _spec(
        "review.take_box",
        "Take box",
        "B",
        icon="vector-square",
        tip="The detector is right about the place: the label takes its box",
    ),
    _spec(
        "review.model_wrong",
        "Model is wrong",
        "M",
        icon="close-octagon-outline",
        tip="The labels are right as they are; this does not come up again",
    ),
    _spec(
        "review.ambiguous",
        "Ambiguous",
        "?",
        "U",
        icon="help",
        tip="Nobody can tell; this does not come up again",
    ),
    _spec(
        "review.difficult",
        "Mark as difficult",
        "I",
        icon="alert-outline",
        tip="There is something, but it need not be found: ignored when detections are counted",
    ),
    _spec(
        "review.take_back",
        "Take verdict back",
        "R",
        icon="restore",
        tip="Let it come up again; labels stay as they are",
    ),
    _spec(
        "review.judged",
        "Show judged",
        "J",
        icon="check-all",
        tip="List what has a verdict already as well",
        checkable=True,
    ),
    _spec(
        "review.this_image",
        "This image only",
        "O",
        icon="image-outline",
        tip="List what is on this image alone",
        checkable=True,
    ),
    _spec("review.fit", "Fit the image", "Ctrl+0", "F", icon="fit-to-screen-outline"),
    _spec("review.zoom_item", "Zoom to the error", "Z", icon="image-filter-center-focus"),
    _spec(
        "review.report",
        "Report…",
        "Ctrl+P",
        icon="file-chart-outline",
        tip="Write figures, curves, worst errors, verdicts and label changes as one web page or as PDF",
    ),
    _spec(
        "review.send",
        "Send to training",
        "T",
        icon="school-outline",
        tip="False alarms on background and missed objects in training images count more in the next training",
    ),
    _spec("export.start", "Export", "Ctrl+Return", icon="export-variant"),
)
