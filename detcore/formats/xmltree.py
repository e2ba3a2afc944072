"""A small XML tree that knows its line numbers, survives truncation and goes into JSON and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from detcore.errors import FormatError
from detcore.formats.text import decode

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_DEEPEST = 100
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True, kw_only=True)
class Node:
    """One element. ``closed`` is false where the file ended before its end tag."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    text: str = ""
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

    def to_json(self) -> dict[str, Any]:
        """Plain data without what is empty."""
        data: dict[str, Any] = {"tag": self.tag}
        if self.attributes:
            data["attributes"] = dict(self.attributes)
        if self.text.strip():
            data["text"] = self.text.strip()
        if self.children:
            data["children"] = [child.to_json() for child in self.children]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Node:
        """The inverse of :meth:`to_json`."""
        return cls(
            tag=str(data["tag"]),
            attributes={str(key): str(value) for key, value in data.get("attributes", {}).items()},
            text=str(data.get("text", "")),
            children=[cls.from_json(child) for child in data.get("children", [])],
            closed=True,
        )


class _Builder:
    """Target of the parser. What was built so far stays usable when the parser gives up."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.expat: Any = None
        self._open: list[Node] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEEPEST:
            raise FormatError("elements are nested too deeply for an annotation")
        node = Node(tag=tag, attributes=dict(attributes), line=int(self.expat.CurrentLineNumber))
        if self._open:
            self._open[-1].children.append(node)
        elif self.root is None:
            self.root = node
        self._open.append(node)

    def end(self, tag: str) -> None:
        self._open.pop().closed = True

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def close(self) -> Node | None:
        return self.root


def parse(data: bytes) -> tuple[Node | None, str | None, int | None]:
    """The tree, and what is wrong with the file and on which line.

    Where the file is cut short the elements read so far are returned; those without an end tag are
    not ``closed``. Entities are refused, which makes bombs and files that read other files harmless.

    Raises:
        FormatError: the file declares entities, or elements are nested without end.
    """
    root, message, line = _parse(data)
    if message is None:
        return root, None, None
    text, complaint = _in_other_encoding(data)
    if text is None:
        return root, message, line
    again, message_again, line_again = _parse(_DECLARATION.sub("", text).encode())
    if message_again is None:
        return again, complaint, None
    return again or root, message_again, line_again


def _in_other_encoding(data: bytes) -> tuple[str | None, str | None]:
    """The text of a file in an encoding that the parser does not know or was not told, and a complaint."""
    declared = _ENCODING.match(data)
    if declared:
        try:
            return data.decode(declared.group(1).decode("ascii")), None
        except (LookupError, UnicodeDecodeError):
            pass  # the declaration is wrong: go by the bytes
    text, guessed = decode(data)
    return (text, "not in the encoding it claims: read as Windows-1252") if guessed else (None, None)


def _parse(data: bytes) -> tuple[Node | None, str | None, int | None]:
    builder = _Builder()
    parser = DefusedXMLParser(target=builder)
    builder.expat = parser.parser
    try:
        parser.feed(data)
        parser.close()
    except DefusedXmlException as error:
        raise FormatError("the file declares entities, which is refused") from error
    except ParseError as error:
        return builder.root, str(error).split(":")[0], error.position[0]
    except (LookupError, ValueError) as error:  # an encoding that expat cannot be taught
        return builder.root, str(error), None
    return builder.root, None, None


def serialise(node: Node) -> str:
    """The element as text, indented by tabs, with a final line feed."""
    lines: list[str] = []
    _write(node, 0, lines)
    return "\n".join(lines) + "\n"


def _write(node: Node, depth: int, lines: list[str]) -> None:
    indent = "\t" * depth
    attributes = "".join(f" {key}={quoteattr(_clean(value))}" for key, value in node.attributes.items())
    text = escape(_clean(node.text))
    if not node.children:
        closing = f">{text}</{node.tag}>" if text else "/>"
        lines.append(f"{indent}<{node.tag}{attributes}{closing}")
        return
    lines.append(f"{indent}<{node.tag}{attributes}>{text}")
    for child in node.children:
        _write(child, depth + 1, lines)
    lines.append(f"{indent}</{node.tag}>")


def _clean(text: str) -> str:
    """Without the control characters that no XML file may hold."""
    return _NOT_XML.sub("\ufffd", text)
