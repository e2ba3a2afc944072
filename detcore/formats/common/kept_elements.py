"""XML that an import kept because Reticle does not use it, made ready to be written again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from detcore.formats.common.xmltree import Node, is_sound


class KeptElements:
    """The elements and attributes that the ``extra`` of one image, box or class keeps for a format of XML files.

    ``written`` are the names of the elements that the writer puts into an element by itself, by the name of the
    element that they lie in. A project file may hold anything: what cannot be written is left out and counted in
    ``refused``.
    """

    def __init__(
        self,
        extra: Mapping[str, Any],
        format_name: str,
        tag: str,
        written: Mapping[str, frozenset[str]],
        around: tuple[Node, ...] = (),
    ) -> None:
        kept: Any = extra.get(format_name, {})
        self.fields: Mapping[str, Any] = cast("dict[str, Any]", kept) if isinstance(kept, dict) else {}
        """All that is kept, to be looked at with care."""
        self._written = written
        self._around = around
        self.refused = 0
        self.holder = Node(tag=tag, attributes=self._attributes(tag), closed=True)
        """An element of the name ``tag`` with the attributes, to be filled."""

    def nodes(self, key: str) -> list[Node]:
        """The elements kept under ``key``, which is ``nodes`` or the name of an element that is written."""
        place = self.holder.tag if key == "nodes" else key
        items: Any = self.fields.get(key, [])
        found: list[Node] = []
        for item in cast("list[Any]", items) if isinstance(items, list) else [items]:
            node = Node.from_json(item)
            own = node is None or node.tag in self._written.get(place, frozenset())
            if node is not None and not own and is_sound(node, around=(*self._around, self.holder)):
                node.tail = ""
                found.append(node)
            else:
                self.refused += 1
        return found

    def _attributes(self, tag: str) -> dict[str, str]:
        raw: Any = self.fields.get("attributes", {})
        items = cast("dict[Any, Any]", raw).items() if isinstance(raw, dict) else ()
        attributes = {str(key): str(value) for key, value in items}
        if is_sound(Node(tag=tag, attributes=attributes), around=self._around):
            return attributes
        sound = {
            key: value
            for key, value in attributes.items()
            if is_sound(Node(tag=tag, attributes={key: value}), around=self._around)
        }
        self.refused += len(attributes) - len(sound)
        return sound
