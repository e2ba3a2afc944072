"""What is said about what the queue holds."""

from __future__ import annotations

from app.review.models.kind_looks import TYPE_TITLES
from app.review.widgets.error_list import kind_word
from detcore.review.filter import BACKGROUND_ID, ErrorFilter
from detcore.review.review import Review
from detcore.review.sizes import SIZE_NAMES


def narrowed_to(wanted: ErrorFilter, review: Review | None) -> str:
    """What the list is narrowed to, "" for nothing."""
    if review is None:
        return ""
    names = {BACKGROUND_ID: "background", **{item.id: item.name for item in review.classes.values()}}
    if wanted.cell is not None:
        return f"{names[wanted.cell[0]]} → {names[wanted.cell[1]]}"
    parts = [] if wanted.class_id is None else [names[wanted.class_id]]
    if wanted.size is not None:
        parts.append(SIZE_NAMES[wanted.size].lower())
    if wanted.picked is not None:
        parts.append(wanted.picked.name)
    return ", ".join(parts)


def empty_text(wanted: ErrorFilter, *, unjudged: bool) -> str:
    """Why the list is empty; ``unjudged`` where there are no labels to be wrong about."""
    if wanted.cell is not None:
        return "No pairs in this cell at this threshold."
    if wanted.picked is not None:
        return f"None of these boxes ({wanted.picked.name}) is listed: they are gone or filtered out."
    if unjudged:
        what = "no detections"
    elif wanted.type is not None:
        what = f"nothing of the type “{TYPE_TITLES[wanted.type]}”"
    else:
        what = f"no {kind_word(wanted.kinds)}"
    where = "on this image" if wanted.image_id is not None else "at this threshold"
    more = "" if wanted.shows_judged else " that have not been judged"
    return f"There are {what} {where}{more}."
