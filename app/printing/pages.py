"""Which block stands where on which page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.printing.blocks import Block, Flowing

_AHEAD = 3
"""From how many sections on one may come forward to fill a page."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A block and its distance from the top of the page."""

    block: Block
    y: float


def paginate(sections: Sequence[Sequence[Flowing]], *, width: float, height: float) -> list[list[Placed]]:
    """Pages of that size. No block is cut; one that stays with the next goes with it to the next page; a
    table that goes on has its heading again. Where a section has to begin on a new page, one of those that
    follow comes before it if the rest of the page holds it whole; the last one always comes last."""
    sheets = _Sheets(width, height)
    waiting = list(sections)
    while waiting:
        place = 0
        if not sheets.has_room_for(_together(waiting[0])):
            ahead = range(1, min(len(waiting) - 1, 1 + _AHEAD))
            place = next((number for number in ahead if sheets.has_room_for(waiting[number])), 0)
        sheets.add(waiting.pop(place))
    return sheets.pages


class _Sheets:
    """Pages as they fill."""

    def __init__(self, width: float, height: float) -> None:
        self._width, self._height = width, height
        self.pages: list[list[Placed]] = [[]]
        self._y = 0.0

    def has_room_for(self, flow: Sequence[Flowing]) -> bool:
        """Whether the page that is begun holds all of it."""
        space = flow[0].space if self.pages[-1] else 0.0
        return self._y + space + self._high(flow) <= self._height

    def add(self, flow: Sequence[Flowing]) -> None:
        for place, part in enumerate(flow):
            top = self._y + part.space if self.pages[-1] else 0.0
            if self.pages[-1] and top + self._high(_together(flow[place:])) > self._height:
                self.pages.append([])
                top = 0.0
                if part.head is not None:
                    self.pages[-1].append(Placed(block=part.head, y=0.0))
                    top = part.head.height(self._width)
            self.pages[-1].append(Placed(block=part.block, y=top))
            self._y = top + part.block.height(self._width)

    def _high(self, flow: Sequence[Flowing]) -> float:
        """Without the space above the first block."""
        return sum(part.space for part in flow[1:]) + sum(part.block.height(self._width) for part in flow)


def _together(flow: Sequence[Flowing]) -> Sequence[Flowing]:
    """The first block with those that it may not be parted from."""
    last = next((place for place, part in enumerate(flow) if not part.with_next), len(flow) - 1)
    return flow[: last + 1]
