"""What a verdict is called once it has been given."""

from __future__ import annotations

from app.services.figures import counted
from detcore.project.verdict_rows import VerdictKind

VERDICT_TITLES = {
    VerdictKind.ACCEPT: "Accepted as label",
    VerdictKind.CLASS: "Class taken",
    VerdictKind.BOX: "Box taken",
    VerdictKind.DELETE: "Label deleted",
    VerdictKind.MODEL_WRONG: "Model is wrong",
    VerdictKind.AMBIGUOUS: "Ambiguous",
    VerdictKind.IGNORE: "Difficult",
}

_DONE = {
    VerdictKind.ACCEPT: ("prediction accepted as label", "predictions accepted as labels"),
    VerdictKind.CLASS: ("label given the predicted class", "labels given the predicted class"),
    VerdictKind.BOX: ("label given the predicted box", "labels given the predicted box"),
    VerdictKind.DELETE: ("label deleted", "labels deleted"),
    VerdictKind.MODEL_WRONG: ("item judged: the model is wrong", "items judged: the model is wrong"),
    VerdictKind.AMBIGUOUS: ("item judged ambiguous", "items judged ambiguous"),
    VerdictKind.IGNORE: ("object marked as difficult", "objects marked as difficult"),
}


def done_text(kind: VerdictKind, count: int) -> str:
    """What so many verdicts of a kind have done."""
    one, many = _DONE[kind]
    return counted(count, one, many)
