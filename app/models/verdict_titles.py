"""What a verdict is called once it has been given."""

from __future__ import annotations

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
