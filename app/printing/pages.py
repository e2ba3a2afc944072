"""Which block stands where on which page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.printing.blocks import Block, Flowing


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A block and its distance from the top of the page."""

    block: Block
    y: float


def paginate(flow: Sequence[Flowing], *, width: float, height: float) -> list[list[Placed]]:
    """Pages of that size. No block is cut; one that stays with the next goes with it to the next page; a table that
    goes on has its heading again."""
    pages: list[list[Placed]] = [[]]
    y = 0.0
    for place, part in enumerate(flow):
        top = y + part.space if pages[-1] else 0.0
        if pages[-1] and top + _kept_together(flow[place:], width) > height:
            pages.append([])
            top = 0.0
            if part.head is not None:
                pages[-1].append(Placed(block=part.head, y=0.0))
                top = part.head.height(width)
        pages[-1].append(Placed(block=part.block, y=top))
        y = top + part.block.height(width)
    return pages


def _kept_together(flow: Sequence[Flowing], width: float) -> float:
    """How high the first block is with those that it may not be parted from."""
    height = 0.0
    for place, part in enumerate(flow):
        height += (part.space if place else 0.0) + part.block.height(width)
        if not part.with_next:
            break
    return height
