"""What a VOC file holds that Reticle does not use: kept when it is read, put back where it was on writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from detcore.formats.common.text import as_flag
from detcore.formats.common.xmltree import Node

EDGES = ("xmin", "ymin", "xmax", "ymax")

_SIDES = ("width", "height", "depth")
_FLAGS = ("truncated", "occluded", "difficult")
# The elements that Reticle reads, and so writes itself, and what it reads inside of them.
_USED_IN_ROOT: Mapping[str, tuple[str, ...]] = {"folder": (), "filename": (), "path": (), "size": _SIDES}
_USED_IN_OBJECT: Mapping[str, tuple[str, ...]] = {"name": (), **dict.fromkeys(_FLAGS, ()), "bndbox": EDGES}
# By the place of an element: what the writer puts there itself.
WRITTEN: Mapping[str, frozenset[str]] = {
    "annotation": frozenset({*_USED_IN_ROOT, "object"}),
    "object": frozenset(_USED_IN_OBJECT),
    "size": frozenset(_SIDES),
    "bndbox": frozenset(EDGES),
}


def image_extra(root: Node) -> dict[str, Any]:
    """Attributes and elements of the root that Reticle does not use and does not write by itself."""
    kept: dict[str, Any] = {}
    attributes = {key: value for key, value in root.attributes.items() if key not in {"verified", "xmlns"}}
    nodes = [
        node for node in root.children if node.tag not in WRITTEN["annotation"] and not _is_default(node)
    ]
    size = root.child("size")
    depth = root.value("size", "depth")
    if attributes:
        kept["attributes"] = attributes
    if nodes:
        kept["nodes"] = [node.to_json() for node in nodes]
    if depth not in {None, "", "3"}:
        kept["depth"] = depth
    if size is not None:
        others = [node for node in size.children if node.tag not in _SIDES]
        if others:
            kept["size"] = [node.to_json() for node in others]
    return {"voc": kept} if kept else {}


def object_extra(node: Node) -> tuple[dict[str, Any], bool]:
    """What Reticle does not use of an object, and whether an attribute calls it a crowd."""
    crowd = False
    nodes: list[Node] = []
    for child in node.children:
        if child.tag in _USED_IN_OBJECT or _is_default(child):
            continue
        if child.tag == "attributes":
            others = [item for item in child.children if item.value("name") != "crowd"]
            marks = [item for item in child.children if item.value("name") == "crowd"]
            crowd = crowd or any(as_flag(item.value("value")) for item in marks)
            if marks and not others and not child.attributes:
                continue
            child.children = others
        nodes.append(child)
    bounds = node.child("bndbox")
    kept: dict[str, Any] = {}
    if node.attributes:
        kept["attributes"] = dict(node.attributes)
    if nodes:
        kept["nodes"] = [child.to_json() for child in nodes]
    if bounds is not None:
        others = [child for child in bounds.children if child.tag not in EDGES]
        if others:
            kept["bndbox"] = [child.to_json() for child in others]
    return ({"voc": kept} if kept else {}), crowd


def not_kept(root: Node) -> Iterator[tuple[str, int]]:
    """What is neither used nor kept, with its line: what no tool is known to write there."""
    if "xmlns" in root.attributes:
        yield "a namespace for the whole file, in which no other tool finds anything: not kept", root.line
    yield from _not_kept_in(root, _USED_IN_ROOT)
    for node in root.children:
        if node.tag == "object" and node.closed:
            yield from _not_kept_in(node, _USED_IN_OBJECT)


def _not_kept_in(node: Node, used: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, int]]:
    if node.mixed:
        yield f"text between the elements of <{node.tag}>: not kept", node.line
    met: Counter[str] = Counter()
    for child in node.children:
        if child.tag not in used:
            continue
        met[child.tag] += 1
        if met[child.tag] > 1:
            yield f"another <{child.tag}> in <{node.tag}>: not kept", child.line
        elif used[child.tag]:
            if child.attributes:
                yield f"attributes of <{child.tag}>: not kept", child.line
            yield from _not_kept_in(child, dict.fromkeys(used[child.tag], ()))
        elif child.attributes or child.children:
            yield f"more than text in <{child.tag}>: not kept", child.line


def _is_default(node: Node) -> bool:
    """Whether the writer puts this element there anyway."""
    text = node.text.strip()
    if node.attributes or (node.children and node.tag != "source"):
        return False
    if node.tag == "source":
        (child,) = node.children if len(node.children) == 1 else (Node(tag=""),)
        plain = not (child.attributes or child.children or node.mixed)
        return plain and child.tag == "database" and node.value("database") == "Unknown"
    return (node.tag, text) in {("segmented", "0"), ("segmented", ""), ("pose", "Unspecified"), ("pose", "")}
