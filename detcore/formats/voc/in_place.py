"""Pascal VOC's XML files edited in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from xml.parsers import expat
from xml.sax.saxutils import escape

from detcore.boxes import fit
from detcore.errors import FormatError
from detcore.formats.common.text import as_flag, number_text
from detcore.formats.in_place import FileBox, FileLabels, Holds, Page, Wanted, bytes_of, shown_edges, text_of
from detcore.formats.voc.extra import EDGES
from detcore.formats.voc.writing import whole_edges

_FLAGS = ("truncated", "occluded", "difficult")
_DEEPEST = 100
_VERIFIED = re.compile(rb"""\s+verified\s*=\s*("[^"]*"|'[^']*')""")
_YES = re.compile(rb"""["'](yes|true|1)["']""", re.IGNORECASE)
_ANNOTATION_FOLDERS = ("Annotations", "annotations")
_TEMPLATE = """<annotation>
\t<folder>{folder}</folder>
\t<filename>{filename}</filename>
\t<path>{path}</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>{width}</width>
\t\t<height>{height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
</annotation>
"""


class VocFiles:
    """The XML files below a folder, each beside its image or in a folder ``Annotations`` beside that of the images."""

    holds = Holds(flags=frozenset(_FLAGS), verified=True)
    names: Mapping[int, str] = MappingProxyType({})

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, image: Path) -> Path:
        name = f"{image.stem}.xml"
        folders = [image.parent.parent / inner for inner in _ANNOTATION_FOLDERS]
        places = [image.parent / name, *(folder / name for folder in folders), self._folder / name]
        there = next((place for place in places if place.is_file()), None)
        if there is not None:
            return there
        return next((folder / name for folder in folders if folder.is_dir()), places[0])

    def prepare(self, names: Iterable[str]) -> None:
        """Names stand in each file: there is no list."""

    def read(self, data: bytes, page: Page) -> FileLabels:
        file = _File.parse(data, page.file)
        boxes = tuple(_box(element, page) for element in file.objects)
        return FileLabels(boxes=boxes, verified=file.is_verified)

    def edited(self, data: bytes | None, page: Page, wanted: Wanted) -> bytes:
        file = _File.parse(_new_file(page) if data is None else data, page.file)
        whole = _has_whole_numbers(file)
        edits: list[_Edit] = []
        for place, box in wanted.changed.items():
            element = file.objects[place]
            if box is None:
                edits.append(file.cut(element))
            else:
                edits += _changes(file, element, _box(element, page), box, page, whole=whole)
        if wanted.added:
            edits.append(file.appended([_object_lines(box, page, whole=whole) for box in wanted.added]))
        if wanted.verified is not None and wanted.verified != file.is_verified:
            edits.append(file.with_verified(wanted.verified))
        return file.with_edits(edits)


@dataclass(frozen=True, slots=True)
class _Edit:
    """Bytes to stand for those from ``start`` to ``end``."""

    start: int
    end: int
    text: bytes


@dataclass(slots=True, kw_only=True)
class _Element:
    """Where an element lies in the bytes: ``start`` at ``<``, ``inner`` behind its start tag, ``close`` at its end tag,
    ``end`` behind it; ``text`` is what it says itself."""

    tag: str
    start: int
    inner: int
    close: int = 0
    end: int = 0
    text: str = ""
    children: list[_Element] = field(default_factory=list["_Element"])

    def child(self, tag: str) -> _Element | None:
        return next((item for item in self.children if item.tag == tag), None)


class _File:
    """An XML file as bytes in UTF-8, with the places of its elements."""

    def __init__(self, text: bytes, codec: str, root: _Element, path: Path) -> None:
        self._path = path
        self.text = text
        self._codec = codec
        self._root = root
        self._newline = b"\r\n" if b"\r\n" in text else b"\n"

    @classmethod
    def parse(cls, data: bytes, path: Path) -> _File:
        decoded, codec = text_of(data, path)
        text = decoded.encode()
        try:
            root = _elements(text)
        except expat.ExpatError as error:
            message = f"broken XML ({expat.errors.messages[error.code]})"
            raise FormatError(message, path=path, line=error.lineno) from error
        except FormatError as error:
            raise FormatError(error.message, path=path) from error
        if root.tag != "annotation":
            raise FormatError(f"not a Pascal VOC annotation (root element <{root.tag}>)", path=path)
        return cls(text, codec, root, path)

    @property
    def objects(self) -> list[_Element]:
        return [item for item in self._root.children if item.tag == "object"]

    @property
    def is_verified(self) -> bool:
        found = _VERIFIED.search(self.text, self._root.start, self._root.inner)
        return found is not None and _YES.search(found[0]) is not None

    def with_verified(self, verified: bool) -> _Edit:
        found = _VERIFIED.search(self.text, self._root.start, self._root.inner)
        value = b' verified="yes"' if verified else b""
        if found is not None:
            return _Edit(found.start(), found.end(), value)
        place = self._root.start + 1 + len(self._root.tag.encode())
        return _Edit(place, place, value)

    def cut(self, element: _Element) -> _Edit:
        return _Edit(self._blank_before(element.start), element.end, b"")

    def replaced(self, element: _Element, value: str) -> _Edit:
        """Another text in an element, which keeps the blanks around it."""
        text = escape(value).encode()
        if element.close == element.inner and self.text[element.inner - 2 : element.inner] == b"/>":
            tag = element.tag.encode()
            return _Edit(element.start, element.end, b"<%s>%s</%s>" % (tag, text, tag))
        old = self.text[element.inner : element.close]
        left, right = len(old) - len(old.lstrip()), len(old) - len(old.rstrip())
        if left == len(old):
            left = right = 0
        return _Edit(element.inner + left, element.close - right, text)

    def inserted(self, before: _Element, tag: str, value: str) -> _Edit:
        """A new element in front of another, on a line of its own where that has one."""
        blank = self.text[self._blank_before(before.start) : before.start]
        return _Edit(before.start, before.start, f"<{tag}>{escape(value)}</{tag}>".encode() + blank)

    def appended(self, objects: Sequence[Sequence[tuple[int, str]]]) -> _Edit:
        """Objects behind the last one, each as lines with their depth, indented as the file is."""
        if self.text[self._root.inner - 2 : self._root.inner] == b"/>":  # <annotation/>
            lines = b"".join(b"\n" + text.encode() for lines in objects for _, text in lines)
            end = b">" + lines + b"\n</" + self._root.tag.encode() + b">"
            return _Edit(self._root.inner - 2, self._root.inner, end)
        last = self._root.children[-1] if self._root.children else None
        place = self._root.inner if last is None else last.end
        blank = b"" if last is None else self.text[self._blank_before(last.start) : last.start]
        line, _, indent = blank.rpartition(b"\n")
        on_lines = bool(line) or blank.startswith(b"\n")
        lines = [
            (self._newline + indent * (1 + depth) if on_lines else b"") + text.encode()
            for lines in objects
            for depth, text in lines
        ]
        return _Edit(place, place, b"".join(lines))

    def with_edits(self, edits: Sequence[_Edit]) -> bytes:
        text = self.text
        for edit in sorted(edits, key=lambda edit: -edit.start):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return bytes_of(text.decode(), self._codec, self._path)

    def _blank_before(self, place: int) -> int:
        """Where the blanks in front of a place begin."""
        return len(self.text[:place].rstrip())


def _elements(text: bytes) -> _Element:
    """The root of an XML text in UTF-8.

    Raises:
        ExpatError: it is no XML.
        FormatError: it declares entities, or is nested without end.
    """
    parser = expat.ParserCreate("utf-8")
    open_elements: list[_Element] = []
    roots: list[_Element] = []

    def start(tag: str, _: dict[str, str]) -> None:
        if len(open_elements) >= _DEEPEST:
            raise FormatError("elements are nested too deeply for an annotation")
        place = parser.CurrentByteIndex
        element = _Element(tag=tag, start=place, inner=_end_of_tag(text, place))
        (open_elements[-1].children if open_elements else roots).append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        element = open_elements.pop()
        if text[element.inner - 2 : element.inner] == b"/>":
            element.close = element.end = element.inner
        else:
            element.close = parser.CurrentByteIndex
            element.end = _end_of_tag(text, element.close)

    def data(text: str) -> None:
        if open_elements:
            open_elements[-1].text += text

    def refuse(*_: object) -> int:
        raise FormatError("the file declares entities, which is refused")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.Parse(text, True)
    return roots[0]


def _end_of_tag(text: bytes, start: int) -> int:
    """Behind the ``>`` of a tag, whose attributes may hold others."""
    quote = 0
    for place in range(start, len(text)):
        byte = text[place]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == ord(">"):
            return place + 1
    return len(text)


def _value(element: _Element | None) -> str:
    return "" if element is None else element.text.strip()


def _box(element: _Element, page: Page) -> FileBox | None:
    """The object as the reader of the format takes it, with its very numbers."""
    name = _value(element.child("name"))
    try:
        x1, y1, x2, y2 = (float(text) for text in _edge_texts(element))
    except ValueError:
        return None
    if not name or fit((x1, y1, x2, y2), width=page.width, height=page.height)[0] is None:
        return None
    flags = {flag: bool(as_flag(_value(element.child(flag)))) for flag in _FLAGS}
    return FileBox(name=name, x1=min(x1, x2), y1=min(y1, y2), x2=max(x1, x2), y2=max(y1, y2), **flags)


def _edge_texts(element: _Element) -> list[str]:
    bounds = element.child("bndbox")
    return [_value(bounds.child(edge)) if bounds is not None else "" for edge in EDGES]


def _has_whole_numbers(file: _File) -> bool:
    """Whether all edges are written without a fraction, as labelImg does and expects it."""
    texts = [text for element in file.objects for text in _edge_texts(element)]
    return all("." not in text and "e" not in text.lower() for text in texts)


def _changes(
    file: _File, element: _Element, old: FileBox | None, new: FileBox, page: Page, *, whole: bool
) -> Iterator[_Edit]:
    """What differs, and nothing else."""
    bounds, name = element.child("bndbox"), element.child("name")
    if old is None or bounds is None or name is None:
        raise FormatError("an object that Reticle cannot read cannot be changed in its place", path=page.file)
    if new.name != old.name:
        yield file.replaced(name, new.name)
    for flag in _FLAGS:
        value = bool(getattr(new, flag))
        if value == getattr(old, flag):
            continue
        holder = element.child(flag)
        text = str(int(value))
        yield file.replaced(holder, text) if holder is not None else file.inserted(bounds, flag, text)
    was, now = _texts(shown_edges(old, page), page, whole=whole), _texts(new.xyxy, page, whole=whole)
    swapped = {"xmin": "xmax", "xmax": "xmin", "ymin": "ymax", "ymax": "ymin"}
    written = dict(zip(EDGES, map(float, _edge_texts(element)), strict=True))
    for edge, before, after in zip(EDGES, was, now, strict=True):
        across = written["xmin"] > written["xmax"] if edge[0] == "x" else written["ymin"] > written["ymax"]
        holder = bounds.child(swapped[edge] if across else edge)
        if before != after and holder is not None:
            yield file.replaced(holder, after)


def _texts(box: tuple[float, float, float, float], page: Page, *, whole: bool) -> list[str]:
    if not whole:
        return [number_text(edge) for edge in box]
    x1, x2, _ = whole_edges(box[0], box[2], page.width)
    y1, y2, _ = whole_edges(box[1], box[3], page.height)
    return [str(edge) for edge in (x1, y1, x2, y2)]


def _object_lines(box: FileBox, page: Page, *, whole: bool) -> list[tuple[int, str]]:
    flags = [(flag, str(int(bool(getattr(box, flag))))) for flag in _FLAGS]
    if not box.occluded:  # labelImg's objects have no such element
        flags = [item for item in flags if item[0] != "occluded"]
    leaves = [("name", escape(box.name)), ("pose", "Unspecified"), *flags]
    edges = zip(EDGES, _texts(box.xyxy, page, whole=whole), strict=True)
    return [
        (0, "<object>"),
        *((1, f"<{tag}>{value}</{tag}>") for tag, value in leaves),
        (1, "<bndbox>"),
        *((2, f"<{edge}>{value}</{edge}>") for edge, value in edges),
        (1, "</bndbox>"),
        (0, "</object>"),
    ]


def _new_file(page: Page) -> bytes:
    """An annotation without objects, as labelImg writes it."""
    return _TEMPLATE.format(
        folder=escape(page.image.parent.name),
        filename=escape(page.image.name),
        path=escape(str(page.image)),
        width=page.width,
        height=page.height,
    ).encode()
