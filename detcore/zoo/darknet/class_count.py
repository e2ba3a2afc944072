"""Another number of classes for a `.cfg`: what users otherwise count out by hand, and get wrong."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.darknet.cfg import Cfg, Section, parse_cfg
from detcore.zoo.darknet.plan import long_name
from detcore.zoo.darknet.shapes.boxes import HEADS, outputs_of_head

_WIDTH_KEYS = {"convolutional": "filters", "connected": "output"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a `.cfg` that became another."""

    line: int
    key: str
    old: int
    new: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.key}={self.old} → {self.new}"


def with_classes(text: str, cfg: Cfg, classes: int) -> tuple[str, list[Change]]:
    """The text of a `.cfg` for ``classes`` classes, and the lines that changed: ``classes`` of each head and the
    channels of the layer before it, (classes + 5) · anchors. All else stays as it was, comments as well.

    Raises:
        ConfigError: the layer before a head is none whose channels can be chosen.
    """
    changes: list[Change] = []
    for before, head in zip((None, *cfg.layers), cfg.layers, strict=False):
        if head.kind not in HEADS:
            continue
        if before is None:
            raise head.fault("classes", "the layer before it must be a convolution")
        key = _WIDTH_KEYS.get(long_name(before.kind))
        if key is None:
            raise head.fault("classes", "the layer before it must be a convolution")
        changes += _change(head, "classes", classes)
        changes += _change(before, key, outputs_of_head(head, classes=classes))
    changes.sort(key=lambda change: change.line)
    return _rewritten(text, changes), changes


def _change(section: Section, key: str, new: int) -> list[Change]:
    if key not in section.values:
        raise section.fault(key, "it must be there to be changed")
    old = section.whole(key)
    return [] if old == new else [Change(line=section.values[key].line, key=key, old=old, new=new)]


def _rewritten(text: str, changes: list[Change]) -> str:
    lines = text.splitlines(keepends=True)
    for change in changes:
        line = lines[change.line - 1]
        key, _, rest = line.partition("=")
        lines[change.line - 1] = f"{key}={rest.replace(str(change.old), str(change.new), 1)}"
    return "".join(lines)


def for_classes(text: str, classes: int) -> tuple[str, list[Change]]:
    """The text of a `.cfg` for a number of classes, and what changed. Raises ConfigError as ``parse_cfg`` and
    ``with_classes``."""
    return with_classes(text, parse_cfg(text), classes)
