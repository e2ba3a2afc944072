"""What an empty Review page says, and where its button leads."""

from __future__ import annotations

from dataclasses import dataclass

from app.review.live.live_evaluation import LiveReview
from app.services.context import AppContext
from detcore.project.cross_validation import is_cross_validation
from detcore.project.runs import RunInfo, RunState


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """What an empty page says. The button leads to a ``page`` or lets a run ``predict``."""

    title: str
    text: str
    icon: str = "image-search-outline"
    button: str = ""
    page: str = ""
    predict: RunInfo | None = None


def next_step(context: AppContext, live: LiveReview, run: RunInfo | None, problem: str) -> NextStep:
    """Why there is nothing to see, and what to do about it."""
    document = context.document
    if not document.is_open:
        return NextStep(title="No project is open", text="Open a folder of images first.", icon="folder")
    if live.is_loading:
        return NextStep(title="Reading detections…", text="", icon="timer-sand")
    if run is None:
        return NextStep(
            title="Train a detector first",
            text="Here you see where a detector and your labels disagree. There is no run yet. What another program has found, "
            "or another person labelled, comes in by File, Import detections….",
            button="Go to Train",
            page="train",
        )
    elsewhere = run.state is RunState.RUNNING and not run.has_detections
    if elsewhere or run.folder.path in context.jobs.active():
        return NextStep(
            title="This run is being worked on",
            text="Its detections can be looked at here as soon as it has finished.",
            icon="timer-sand",
        )
    if not run.has_detections and not run.has_checkpoint:
        return NextStep(
            title="This run has no model",
            text=run.message or "It ended before its first checkpoint.",
            icon="alert-circle-outline",
            button="Go to Train",
            page="train",
        )
    if problem:
        anew = "Predict again" if run.has_checkpoint else "Go to Train"
        return NextStep(
            title="This run cannot be shown",
            text=problem,
            icon="alert-circle-outline",
            button="" if run.imported is not None else anew,
            page="train",
            predict=run if run.has_checkpoint else None,
        )
    if not run.has_detections:
        return NextStep(
            title="No detections yet",
            text=f"{run.name} has not been asked yet what it sees on your images.",
            button="Predict with this run",
            predict=run,
        )
    none_here = "None of the images that this run has looked at is in the project."
    if run.imported is not None:
        return NextStep(
            title="No detections on these images",
            text=f"{none_here} Import detections of those that are: File, Import detections….",
        )
    if not run.has_checkpoint:
        # a cross-validation has no model of its own, which could look at others
        anew = "Cross-validate" if is_cross_validation(run.folder) else "Train"
        return NextStep(
            title="No detections on these images",
            text=f"{none_here} {anew} again to have detections on those that are.",
            button="Go to Train",
            page="train",
        )
    return NextStep(
        title="No detections on these images",
        text=none_here,
        button="Predict with this run",
        predict=run,
    )
