"""What a report is made of, before it is a web page or paint on paper. How it looks is decided by who shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from detcore.report.markup import Markup


@dataclass(frozen=True, slots=True)
class Swatch:
    """The colour of a class, #rrggbb."""

    color: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A box as it lies over a picture: tp, fp or fn."""

    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the histogram: tp or fp."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Text with a sign before it, and something less important after it."""

    text: str
    sign: Swatch | Mark | Bar | None = None
    small: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """Inside a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``look``: plain, muted, or a note, which warns."""

    text: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """What the signs in a drawing above it mean."""

    entries: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Numbers, and what each is."""

    numbers: Sequence[tuple[str, Line]]


@dataclass(frozen=True, slots=True)
class Definitions:
    """Names, and what each stands for."""

    entries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Folded:
    """What is seen only by whoever unfolds it, and is not printed."""

    title: str
    inside: Definitions


@dataclass(frozen=True, slots=True)
class Share:
    """From 0 to 1, shown as a bar; -1 for none."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``kind`` "words" is text in every column, "wide" leaves the room to the second, else all but the first
    are numbers, of which "counts" are so short that two rows may stand side by side."""

    rows: Sequence[Sequence[str | Line | Share]]
    head: Sequence[str] = ()
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A cell of a matrix: ``share`` of its row, and whether label and detection agree in it."""

    text: str
    share: float
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Rows are labels, columns detections."""

    corner: str
    names: Sequence[str]
    rows: Sequence[Sequence[Count]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotBar:
    """A bar of a histogram: ``kind`` tp or fp."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing of ``width`` and ``height``, which ``label`` says in words: SVG, bars over it, and SVG over these.
    Colours and lines come from a style sheet by the classes of the elements."""

    width: float
    height: float
    label: str
    below: Markup
    bars: Sequence[PlotBar] = ()
    above: Markup = Markup("")


@dataclass(frozen=True, slots=True)
class LargePlot:
    plot: Plot
    note: Paragraph | Key


@dataclass(frozen=True, slots=True)
class SmallPlots:
    """Side by side, each below its title."""

    plots: Sequence[tuple[Line, Plot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CropBox:
    """A box over a crop: ``kind`` tp, fp or fn, edges in sides of the crop's square, ``main`` for what it is about."""

    kind: str
    main: bool
    edges: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A square part of an image with boxes over it. The picture ``jpeg`` fills the shares ``filled`` of width and
    height of the square; ``path`` is the image's in the project."""

    jpeg: bytes
    filled: tuple[float, float]
    boxes: Sequence[CropBox]
    title: str
    text: str
    path: str
    alt: str

    @property
    def file_name(self) -> str:
        return PurePath(self.path).name


@dataclass(frozen=True, slots=True)
class Crops:
    crops: Sequence[Crop]


Block = (
    Heading | Paragraph | Key | Definitions | Folded | Table | Matrix | LargePlot | SmallPlots | Crops
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sections side by side."""

    left: Section
    right: Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole report."""

    title: str
    notes: Sequence[Paragraph]
    parts: Sequence[Tiles | Section | Pair]
    footer: str
