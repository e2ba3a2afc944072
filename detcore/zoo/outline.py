"""What a network is made of, as stages that can be listed and drawn; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BACKBONE, NECK, HEAD = "Backbone", "Neck", "Heads"
ENCODER, DECODER, PROPOSALS, SECOND = "Encoder", "Decoder", "Proposals", "Second stage"
ROLES = (BACKBONE, NECK, ENCODER, DECODER, PROPOSALS, HEAD, SECOND)
"""What parts of a network are for, in the order in which an image goes through them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The layers of one role, of ``ROLES``, that give answers of one size: ``channels`` numbers at each of ``rows`` × ``columns`` places, of what
    is a list (queries, regions) ``rows`` and one column. ``layers`` counts the layers that learn by their kinds; ``macs`` are
    their multiply-adds for one image."""

    role: str
    channels: int
    rows: int
    columns: int
    layers: Mapping[str, int]
    parameters: int
    macs: int

    @property
    def is_map(self) -> bool:
        """Whether its places lie in the image, in rows and columns."""
        return self.columns > 1 or self.rows == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A detector of ``classes`` classes that looks at one image in a frame of this ``height`` and ``width``. ``links`` are pairs of rows of ``stages``: the second
    reads what the first gives. ``values`` counts the numbers that its layers give. ``text`` is what its code says of itself,
    ``files`` are names and paths of that code, the detector's own first."""

    model: str
    classes: int
    height: int
    width: int
    parameters: int
    macs: int
    values: int
    stages: tuple[Stage, ...]
    links: tuple[tuple[int, int], ...] = ()
    text: str = ""
    files: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Outline:
        """That of which ``asdict`` has made this record."""
        stages = [Stage(**stage) for stage in record["stages"]]
        links = [(source, target) for source, target in record["links"]]
        rest = {name: value for name, value in record.items() if name not in ("stages", "links")}
        return cls(**rest, stages=tuple(stages), links=tuple(links))
