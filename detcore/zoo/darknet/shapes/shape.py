"""The shape of features, and what a layer makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.darknet.cfg import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of the features of one image."""

    channels: int
    height: int
    width: int

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels} × {self.height} × {self.width}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The shape after a layer, and how many numbers it has in a `.weights` file."""

    after: Shape
    numbers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a window goes over features: its ``size``, its steps ``across`` and ``down``, and what is put around,
    ``padding`` places on both sides together."""

    size: int
    across: int
    down: int
    padding: int

    def over(self, shape: Shape, section: Section, *, channels: int) -> Shape:
        """The shape of what it finds. Raises ConfigError where the window is larger than the features."""
        height = (shape.height + self.padding - self.size) // self.down + 1
        width = (shape.width + self.padding - self.size) // self.across + 1
        if min(height, width) < 1:
            raise section.fault("size", f"the features have {shape.width} × {shape.height} places only")
        return Shape(channels=channels, height=height, width=width)


def strides(section: Section) -> tuple[int, int]:
    """Across and down: ``stride_x`` and ``stride_y``, else ``stride``."""
    both = section.whole("stride", 1, low=1)
    return section.whole("stride_x", both, low=1), section.whole("stride_y", both, low=1)
