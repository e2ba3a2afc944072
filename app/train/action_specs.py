"""What the user can do on the Train page."""

from __future__ import annotations

from app.services.actions import ActionSpec

TRAIN_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("train.start", "Train", ("Ctrl+Return",), icon="play"),
    ActionSpec(
        "train.stop",
        "Stop and keep",
        ("Ctrl+.",),
        icon="stop",
        tip="Stop at the next step; what was learnt stays, Resume goes on",
    ),
    ActionSpec(
        "train.finish",
        "Finish now",
        ("Ctrl+Shift+.",),
        icon="flag-checkered",
        tip="Validate once more, keep the best weights, end",
    ),
    ActionSpec(
        "train.resume",
        "Resume",
        ("Ctrl+R",),
        icon="play-pause",
        tip="Go on where the run stopped; one that is completed trains on from its best weights for the time chosen on the left",
    ),
    ActionSpec(
        "train.predict",
        "Predict again",
        ("Ctrl+P",),
        icon="image-search-outline",
        tip="Find objects in all images with the run's best weights",
    ),
    ActionSpec(
        "train.crossval",
        "Cross-validate…",
        ("X",),
        icon="layers-search-outline",
        tip="Let every labelled image be judged by a detector that has not learnt it, to find label errors",
    ),
    ActionSpec(
        "train.preview",
        "Preview images…",
        ("V",),
        icon="image-multiple-outline",
        tip="See training images as these settings change them",
    ),
    ActionSpec(
        "train.export_model",
        "Export model…",
        icon="export-variant",
        tip="Write the run's detector as a file that runs without Reticle: ONNX, torch.export or OpenVINO",
    ),
    ActionSpec(
        "train.curves",
        "Save curves…",
        icon="chart-line",
        tip="Write the run's losses and figures as a picture (PNG) or a table (CSV)",
    ),
    ActionSpec("train.discard", "Discard run", ("Del",), icon="delete-outline", tip="Can be undone"),
    ActionSpec("train.reveal", "Show the run's folder", icon="folder-open-outline"),
    ActionSpec(
        "train.measure",
        "Measure now",
        icon="pulse",
        tip="Look at every layer in the next step of the training",
    ),
    ActionSpec("train.fit", "Fit", ("Ctrl+0", "F"), icon="fit-to-screen-outline", tip="Show the whole run"),
    ActionSpec(
        "train.smooth",
        "Smooth",
        ("S",),
        icon="chart-bell-curve-cumulative",
        tip="Draw the running mean of the losses over the measured values",
        checkable=True,
    ),
    ActionSpec(
        "train.logarithmic",
        "Log scale",
        ("L",),
        icon="math-log",
        tip="Losses on a logarithmic axis",
        checkable=True,
    ),
    ActionSpec("train.learning_rate", "Learning rate", ("R",), icon="chart-timeline-variant", checkable=True),
)
