"""A small XML tree that knows its line numbers, survives truncation and goes into JSON and back.

Names are kept as they are written: ``x:camera`` stays that, and ``xmlns:x`` is an attribute like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from detcore.errors import FormatError
from detcore.formats.common.text import decode_declared

_DEEPEST = 100
_DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*\?>")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN_NAME = re.compile(r"(?!(?i:xml))[A-Za-z_][A-Za-z0-9_.-]*")
_CLARK_NAME = re.compile(r"\{([^{}]*)\}(.+)", re.DOTALL)
# An ampersand that starts no reference known to every parser; CDATA and comments are stepped over.
_BARE_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)", re.DOTALL
)


@dataclass(slots=True, kw_only=True)
class Node:
    """One element. ``text`` comes before its first child, ``tail`` after its own end; ``closed`` is false
    where the file ended before its end tag."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    tail: str = ""
    children: list[Node] = field(default_factory=list["Node"])
    line: int = 0
    closed: bool = False

    def child(self, tag: str) -> Node | None:
        """The first child of that name."""
        return next((node for node in self.children if node.tag == tag), None)

    def value(self, *tags: str) -> str | None:
        """The stripped text below a path of tags; ``None`` where a tag is missing."""
        node: Node | None = self
        for tag in tags:
            node = node.child(tag) if node is not None else None
        return None if node is None else node.text.strip()

    @property
    def mixed(self) -> bool:
        """Whether there is text between the children, so that even the blanks there count."""
        return bool(self.children) and any(
            text.strip() for text in (self.text, *(child.tail for child in self.children))
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data without what is empty and without the indentation of the file."""
        data: dict[str, Any] = {"tag": self.tag}
        if self.attributes:
            data["attributes"] = dict(self.attributes)
        mixed = self.mixed
        if self.text and (mixed or not self.children):
            data["text"] = self.text
        if self.children:
            data["children"] = [
                child.to_json() | ({"tail": child.tail} if mixed and child.tail else {})
                for child in self.children
            ]
        return data

    @classmethod
    def from_json(cls, data: Any, depth: int = 0) -> Node | None:
        """The inverse of :meth:`to_json`; ``None`` for what that never made.

        Names such as ``{http://x}camera``, which version 0.1.0 kept in place of prefixes, get a prefix.
        """
        if not isinstance(data, dict) or depth > _DEEPEST:
            return None
        fields = cast("dict[str, Any]", data)
        raw_attributes, raw_children = fields.get("attributes", {}), fields.get("children", [])
        if not (isinstance(raw_attributes, dict) and isinstance(raw_children, list)):
            return None
        spaces: dict[str, str] = {}
        attributes = {
            _with_prefix(str(key), spaces): str(value)
            for key, value in cast("dict[Any, Any]", raw_attributes).items()
        }
        tag = _with_prefix(str(fields.get("tag", "")), spaces)
        items = cast("list[Any]", raw_children)
        children = [node for item in items if (node := cls.from_json(item, depth + 1)) is not None]
        if not tag or len(children) < len(items):
            return None
        attributes |= {f"xmlns:{prefix}": uri for uri, prefix in spaces.items()}
        text, tail = str(fields.get("text", "")), str(fields.get("tail", ""))
        return cls(tag=tag, attributes=attributes, text=text, tail=tail, children=children, closed=True)


def _with_prefix(name: str, spaces: dict[str, str]) -> str:
    match = _CLARK_NAME.fullmatch(name)
    if match is None:
        return name
    return f"{spaces.setdefault(match[1], f'ns{len(spaces)}')}:{match[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedXml:
    """What a file holds. ``broken``: what ended the reading before the end of the file, and on which line;
    ``oddities``: what is wrong with it otherwise, each with its line or ``None``."""

    root: Node | None
    broken: tuple[str, int] | None = None
    oddities: tuple[tuple[str, int | None], ...] = ()


class _Builder:
    """The tree as the parser reports it. What was built so far stays usable when the parser gives up."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.first_comment: int | None = None
        self._open: list[Node] = []
        # The text is in UTF-8 by now, whatever its declaration says.
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._comment
        # Without entities there are neither bombs nor files that read other files.
        parser.EntityDeclHandler = _refuse
        parser.ExternalEntityRefHandler = _refuse

    def read(self, text: str) -> tuple[str, int] | None:
        """Why and on which line the parser gave up."""
        try:
            self._parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            return expat.errors.messages[error.code], error.lineno
        return None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEEPEST:
            raise FormatError("elements are nested too deeply for an annotation")
        node = Node(tag=tag, attributes=attributes, line=self._parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(node)
        elif self.root is None:
            self.root = node
        self._open.append(node)

    def _end(self, tag: str) -> None:
        self._open.pop().closed = True

    def _data(self, text: str) -> None:
        if not self._open:
            return
        children = self._open[-1].children
        if children:
            children[-1].tail += text
        else:
            self._open[-1].text += text

    def _comment(self, *_: str) -> None:
        if self.first_comment is None:
            self.first_comment = self._parser.CurrentLineNumber


def _refuse(*_: Any) -> int:
    raise FormatError("the file declares entities, which is refused")


def parse(data: bytes) -> ParsedXml:
    """The tree, and what is wrong with the file.

    Where the file is cut short the elements read so far are returned; those without an end tag are not
    ``closed``. A bare ``&``, which scripts write that paste strings, is read as itself. Entities are refused.

    Raises:
        FormatError: the file declares entities, or elements are nested without end.
    """
    text, complaint = decode_declared(data)
    oddities: list[tuple[str, int | None]] = [] if complaint is None else [(complaint, None)]
    # It has had its say, and may lie behind blank lines, where no parser takes it.
    text = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text, count=1)
    builder = _Builder()
    broken = builder.read(text)
    if broken is not None:
        mended = _BARE_AMPERSAND.sub(lambda found: "&amp;" if found[0] == "&" else found[0], text)
        if mended != text:
            oddities.append(("a bare “&”, which should be “&amp;”: read as it stands", broken[1]))
            builder = _Builder()
            broken = builder.read(mended)
    if builder.first_comment is not None:
        oddities.append(("comments are not kept", builder.first_comment))
    return ParsedXml(root=builder.root, broken=broken, oddities=tuple(oddities))


def leaf(tag: str, text: str) -> Node:
    """An element that holds nothing but text."""
    return Node(tag=tag, text=text, closed=True)


def is_sound(node: Node, *, around: tuple[Node, ...] = ()) -> bool:
    """Whether an element can be written so that every parser takes it, inside elements with the names and
    attributes of ``around`` (outermost first), where prefixes may be declared."""
    if _is_plain(node):
        return True
    for outer in reversed(around):
        node = Node(tag=outer.tag, attributes=outer.attributes, children=[node])
    parser = expat.ParserCreate("utf-8", " ")  # with a separator it minds namespaces
    try:
        parser.Parse(serialise(node).encode(), True)
    except (expat.ExpatError, UnicodeError):
        return False
    return True


def _is_plain(node: Node) -> bool:
    """Whether all names are such that nothing can be wrong, and prefixes need not be looked up."""
    names = (node.tag, *node.attributes)
    return all(map(_PLAIN_NAME.fullmatch, names)) and all(map(_is_plain, node.children))


def serialise(node: Node) -> str:
    """The element as text, indented by tabs where that adds nothing to it, with a final line feed."""
    lines: list[str] = []
    _write(node, 0, lines)
    return "\n".join(lines) + "\n"


def _write(node: Node, depth: int, lines: list[str]) -> None:
    indent = "\t" * depth
    if not node.children or node.mixed:
        lines.append(indent + _inline(node))
        return
    lines.append(f"{indent}<{node.tag}{_attributes(node)}>")
    for child in node.children:
        _write(child, depth + 1, lines)
    lines.append(f"{indent}</{node.tag}>")


def _inline(node: Node) -> str:
    """The element without a blank that is not its own."""
    inner = _text(node.text) + "".join(_inline(child) + _text(child.tail) for child in node.children)
    return f"<{node.tag}{_attributes(node)}" + (f">{inner}</{node.tag}>" if inner else "/>")


def _attributes(node: Node) -> str:
    return "".join(f" {key}={quoteattr(_clean(value))}" for key, value in node.attributes.items())


def _text(text: str) -> str:
    return escape(_clean(text), {"\r": "&#13;"})


def _clean(text: str) -> str:
    """Without the control characters that no XML file may hold."""
    return _NOT_XML.sub("\ufffd", text)
