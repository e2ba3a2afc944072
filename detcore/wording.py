"""Words that go with numbers, in all that the user reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def counted(
    number: Number, one: str, many: str | None = None, *, write: Callable[[Number], str] = "{:,}".format
) -> str:
    """A number and what is counted, ``1 image``, ``2 images``; ``many`` where that is not ``one`` with an s, or
    a verb follows that changes as well (``image was``, ``images were``). ``write`` writes the number."""
    return f"{write(number)} {one if number == 1 else many or one + 's'}"


def ap_name(iou_threshold: float) -> str:
    """``AP50``, ``AP75`` …: average precision at one IoU."""
    return f"AP{round(100 * iou_threshold)}"
