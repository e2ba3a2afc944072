"""What the user can do on the Review page."""

from __future__ import annotations

from app.services.actions import ActionSpec

REVIEW_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("review.next", "Next error", ("Space", "Down"), icon="chevron-down", repeat=True),
    ActionSpec("review.previous", "Previous error", ("Up",), icon="chevron-up", repeat=True),
    ActionSpec(
        "review.accept",
        "Accept prediction as label",
        ("Y",),
        icon="check",
        tip="The detector is right: add its box to the labels",
    ),
    ActionSpec(
        "review.delete",
        "Delete label",
        ("X", "Del"),
        icon="delete-outline",
        tip="There is no such object here: take the label away",
    ),
    ActionSpec(
        "review.take_class",
        "Take class",
        ("C",),
        icon="tag-outline",
        tip="The detector is right about the class: the label takes it",
    ),
    ActionSpec(
        "review.take_box",
        "Take box",
        ("B",),
        icon="vector-square",
        tip="The detector is right about the place: the label takes its box",
    ),
    ActionSpec(
        "review.model_wrong",
        "Model is wrong",
        ("M",),
        icon="close-octagon-outline",
        tip="The labels are right as they are; this does not come up again",
    ),
    ActionSpec(
        "review.ambiguous",
        "Ambiguous",
        ("?", "U"),
        icon="help",
        tip="Nobody can tell; this does not come up again",
    ),
    ActionSpec(
        "review.difficult",
        "Mark as difficult",
        ("I",),
        icon="alert-outline",
        tip="There is something, but it need not be found: ignored when detections are counted",
    ),
    ActionSpec(
        "review.take_back",
        "Take verdict back",
        ("R",),
        icon="restore",
        tip="Let it come up again; labels stay as they are",
    ),
    ActionSpec(
        "review.judged",
        "Show judged",
        ("J",),
        icon="check-all",
        tip="List what has a verdict already as well",
        checkable=True,
    ),
    ActionSpec(
        "review.this_image",
        "This image only",
        ("O",),
        icon="image-outline",
        tip="List what is on this image alone",
        checkable=True,
    ),
    ActionSpec("review.fit", "Fit the image", ("Ctrl+0", "F"), icon="fit-to-screen-outline"),
    ActionSpec("review.zoom_item", "Zoom to the error", ("Z",), icon="image-filter-center-focus"),
    ActionSpec(
        "review.report",
        "Report…",
        ("Ctrl+P",),
        icon="file-chart-outline",
        tip="Write figures, curves, worst errors, verdicts and label changes as one web page or as PDF",
    ),
    ActionSpec(
        "review.send",
        "Send to training",
        ("T",),
        icon="school-outline",
        tip="False alarms on background and missed objects in training images count more in the next training",
    ),
)
