"""What it took to label a set in several ways, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tests.benchmarks.effort_user import Effort, total

MANUAL = "manual"
LAST = 50
"""Images at the end of which the share is told, too."""
PARTS = 10


@dataclass(frozen=True, kw_only=True)
class Course:
    """One way through the images of a set in the order of a seed: the effort of each image, and COCO's AP50 of what was
    exported at the end against the truth; ``None`` where nothing was, since nobody labelled anything."""

    set: str
    seed: int
    way: str
    images: Sequence[Effort]
    ap50: float | None = None

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        whole = total(self.images)
        return asdict(self) | {"actions": whole.actions, "seconds": round(whole.seconds, 1)}


def table(courses: Sequence[Course]) -> str:
    """Of each set the ways side by side, means over the seeds."""
    return "\n\n".join(
        _table_of_set(name, [one for one in courses if one.set == name])
        for name in dict.fromkeys(course.set for course in courses)
    )


def share(
    courses: Sequence[Course], manual: Sequence[Course], *, last: int | None = None
) -> tuple[float, float]:
    """Actions and seconds as shares of those by hand, all seeds together, of all images or the ``last`` ones."""
    own, other = _sum(courses, last), _sum(manual, last)
    return own.actions / other.actions, own.seconds / other.seconds


def _table_of_set(name: str, courses: Sequence[Course]) -> str:
    by_way: dict[str, list[Course]] = {}
    for course in courses:
        by_way.setdefault(course.way, []).append(course)
    seeds = sorted({course.seed for course in courses})
    count = len(courses[0].images)
    lines = [
        f"{name}: {count} images, seeds {', '.join(map(str, seeds))}; actions and seconds of an image",
        "",
        "| images | " + " | ".join(by_way) + " |",
        "|---" * (len(by_way) + 1) + "|",
    ]
    edges = np.linspace(0, count, min(PARTS, count) + 1).round().astype(int).tolist()
    for first, end in zip(edges, edges[1:], strict=False):
        cells = [_mean(own, first, end) for own in by_way.values()]
        lines.append(_row(f"{first + 1}–{end}" if end > first + 1 else str(end), cells))
    lines.append(_row("all", [_mean(own, 0, count) for own in by_way.values()]))
    lines.append(_row("sum of a seed", [_whole(own) for own in by_way.values()]))
    if MANUAL in by_way:
        lines += _shares(by_way, min(LAST, count))
    lines.append(_row("AP50 of the export, least", [_least(own) for own in by_way.values()]))
    return "\n".join(lines)


def _shares(by_way: Mapping[str, Sequence[Course]], last: int) -> list[str]:
    manual = by_way[MANUAL]
    rows: list[str] = []
    for heading, count in (("share of manual", None), (f"share, last {last}", last)):
        cells = ["{:.2f}, {:.2f}".format(*share(own, manual, last=count)) for own in by_way.values()]
        rows.append(_row(heading, cells))
    return rows


def _row(heading: str, cells: Sequence[str]) -> str:
    return f"| {heading} | " + " | ".join(cells) + " |"


def _mean(courses: Sequence[Course], first: int, end: int) -> str:
    efforts = [effort for course in courses for effort in course.images[first:end]]
    whole = total(efforts)
    return f"{whole.actions / len(efforts):.1f}, {whole.seconds / len(efforts):.1f} s"


def _whole(courses: Sequence[Course]) -> str:
    whole = _sum(courses, None)
    return f"{whole.actions / len(courses):,.0f}, {whole.seconds / len(courses):,.0f} s"


def _least(courses: Sequence[Course]) -> str:
    known = [course.ap50 for course in courses if course.ap50 is not None]
    return f"{min(known):.3f}" if known else ""


def _sum(courses: Sequence[Course], last: int | None) -> Effort:
    return total([effort for course in courses for effort in course.images[-last if last else 0 :]])
