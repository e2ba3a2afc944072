"""What is said about two runs that are compared."""

from __future__ import annotations

from html import escape

from app.review.live.run_comparison import RunChanges, RunComparison
from app.review.widgets.compare_panel import ChangeCount
from app.services.figures import count_text, counted, ratio_text


def change_counts(found: RunComparison, changes: RunChanges) -> list[ChangeCount]:
    """The links to what the two runs do not have in common."""
    first, second = found.runs.first.name, found.runs.second.name
    return [
        ChangeCount(name=picked.name, count=len(picked), tip=tip)
        for picked, tip in (
            (changes.gained, f"Labels that {second} finds and {first} does not"),
            (changes.lost, f"Labels that {first} finds and {second} does not"),
            (changes.changed, "Labels that neither finds, each for another reason"),
            (changes.false, f"False positives of {second} that {first} does not have"),
        )
    ]


def comparison_note(found: RunComparison, thresholds: tuple[float, float], *, at_slider: bool) -> str:
    """Where each run stands, and on which images."""
    first, second = found.runs.first.name, found.runs.second.name
    images = len(found.runs.image_ids)
    if at_slider:
        parts = [f"Both at {ratio_text(thresholds[1])}, the slider's."]
    else:
        old, new = (ratio_text(threshold) for threshold in thresholds)
        parts = [f"Each where its F1 is highest: {first} at {old}, {second} at {new}."]
    if images < found.scope_count:
        how = " and neither has learnt from" if not any(found.fairness.trained) else ""
        parts.append(f"On {_of(images, found.scope_count)} that both have seen{how}.")
    if found.unchanged:
        parts.append(f"The labels are those that {first} was started with.")
    elif found.by_labels is None:
        parts.append(f"{first} was started without labels of these images.")
    elif found.by_labels.old.image_count < images:
        parts.append(f"Old labels are of {_of(found.by_labels.old.image_count, images)}.")
    return " ".join(parts)


def caution_text(found: RunComparison) -> str:
    """Why the difference is not that of two models, in rich text; "" where it is."""
    cautions = " ".join(found.fairness.cautions(count_text))
    return f"<b>Not a fair comparison.</b> {escape(cautions)}" if cautions else ""


def _of(some: int, every: int) -> str:
    return f"{count_text(some)} of {counted(every, 'image')}"
