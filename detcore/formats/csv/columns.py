"""Which column of a table holds what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from detcore.errors import FormatError

BoxForm = Literal["edges", "sizes", "centres", "bbox", "corners"]

FLAGS = ("difficult", "truncated", "occluded", "crowd")

_NAMES: Mapping[str, tuple[str, ...]] = {
    "file": (
        *("filename", "file", "imagename", "imagepath", "filepath", "imagefile", "imageid"),
        *("image", "img", "imgname", "imgpath", "path", "uri", "frame"),
    ),
    "class": ("class", "classname", "label", "labelname", "category", "categoryname", "object", "name"),
    "x1": ("xmin", "x1", "left", "xtl"),
    "y1": ("ymin", "y1", "top", "ytl"),
    "x2": ("xmax", "x2", "right", "xbr"),
    "y2": ("ymax", "y2", "bottom", "ybr"),
    "x": ("x", "bboxx"),
    "y": ("y", "bboxy"),
    "cx": ("xcenter", "xcentre", "centerx", "centrex", "cx", "xc"),
    "cy": ("ycenter", "ycentre", "centery", "centrey", "cy", "yc"),
    "w": ("w", "bboxwidth", "boxwidth", "bboxw"),
    "h": ("h", "bboxheight", "boxheight", "bboxh"),
    "bbox": ("bbox", "box", "boundingbox"),
    "width": ("width", "imagewidth", "imgwidth"),
    "height": ("height", "imageheight", "imgheight"),
    "split": ("split", "set", "subset"),
    "difficult": ("difficult",),
    "truncated": ("truncated", "istruncated"),
    "occluded": ("occluded", "isoccluded"),
    "crowd": ("crowd", "iscrowd", "isgroupof"),
}
"""The headings of each role, in lower case and without marks; of several the first counts."""
_FORMS: Sequence[tuple[BoxForm, tuple[str, ...]]] = (
    ("edges", ("x1", "y1", "x2", "y2")),
    ("sizes", ("x1", "y1", "w", "h")),
    ("centres", ("cx", "cy", "w", "h")),
    ("bbox", ("bbox",)),
)
_CHOSEN = ("file", "class", "x1", "y1", "x2", "y2", "cx", "cy", "w", "h", "bbox", "width", "height", "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The places of the columns: ``places`` by role, ``box`` those of the numbers in the order of the ``form``, ``others``
    by heading. ``headed``: the first row are the headings."""

    form: BoxForm
    box: Sequence[int]
    places: Mapping[str, int]
    others: Mapping[str, int]
    headed: bool = True


def plain(heading: str) -> str:
    """A heading in lower case, without marks between the words."""
    return "".join(letter for letter in heading.lower() if letter.isalnum())


def find_columns(headings: Sequence[str], chosen: Mapping[str, str] | None = None) -> Columns | None:
    """The columns by their headings, those that the user has ``chosen`` first; ``None`` where a file name, a class or a
    box is missing."""
    places = _chosen_places(headings, chosen or {})
    if places is None:
        return None
    known = {plain(heading): place for place, heading in reversed(list(enumerate(headings)))}
    by_number = _are_numbers(chosen or {})
    for role, names in _NAMES.items() if not by_number else ():
        free = (known[name] for name in names if name in known and known[name] not in places.values())
        place = next(free, None)
        if role not in places and place is not None:
            places[role] = place
    _settle_sizes(places)
    found = next((item for item in _FORMS if all(role in places for role in item[1])), None)
    if found is None or "file" not in places or "class" not in places:
        return None
    form, roles = found
    box = [places[role] for role in roles]
    used = {*places.values(), *box}
    others = {heading: place for place, heading in enumerate(headings) if heading and place not in used}
    return Columns(
        form=form, box=box, places=places, others={} if by_number else others, headed=not by_number
    )


def parse_choice(text: str) -> dict[str, str]:
    """The columns that a user has chosen, as ``file=photo,class=kind``.

    Raises:
        FormatError: a part is not of that form, or there is no such role.
    """
    chosen: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, equals, column = (word.strip() for word in part.partition("="))
        if not equals or not column or role not in _CHOSEN:
            raise FormatError(
                f"columns: {part!r} is not of the form file=HEADING",
                hint=f"There are {', '.join(_CHOSEN)}",
            )
        chosen[role] = column
    return chosen


def _chosen_places(headings: Sequence[str], chosen: Mapping[str, str]) -> dict[str, int] | None:
    """The places of chosen columns, by their headings or by their numbers from 1; ``None`` where one is not there."""
    by_number = _are_numbers(chosen)
    places: dict[str, int] = {}
    for role, column in chosen.items():
        if by_number and 0 < int(column[:9]) <= len(headings):
            places[role] = int(column[:9]) - 1
        elif not by_number and column in headings:
            places[role] = headings.index(column)
        else:
            return None
    return places


def _are_numbers(chosen: Mapping[str, str]) -> bool:
    """Whether the columns are told by their numbers, since the table has no headings."""
    return bool(chosen) and all(column.isascii() and column.isdigit() for column in chosen.values())


def _settle_sizes(places: dict[str, int]) -> None:
    """``x`` is the left edge beside a width, and ``width`` that of the box where nothing else tells its right edge."""
    x, y = places.pop("x", None), places.pop("y", None)
    if "x1" not in places and x is not None and y is not None:
        places |= {"x1": x, "y1": y}
    lacks_end = not {"x2", "w", "bbox"} & places.keys() and bool({"x1", "cx"} & places.keys())
    if lacks_end and {"width", "height"} <= places.keys():
        places |= {"w": places.pop("width"), "h": places.pop("height")}
