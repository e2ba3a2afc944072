"""Writing CVAT for images 1.1, as CVAT's own dumps have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetClass,
    DatasetImage,
    ExportReport,
    Progress,
    count_boxes,
    count_images,
    step,
)
from detcore.formats.common.copying import ImageCopier
from detcore.formats.common.kept_elements import KeptElements
from detcore.formats.common.naming import kept_or_unique, kept_subset
from detcore.formats.common.shapes import shape_of, sole_outline
from detcore.formats.common.staging import Staging, staged
from detcore.formats.common.text import as_flag
from detcore.formats.common.xmltree import Node, is_sound, leaf, serialise
from detcore.formats.cvat.figures import GEOMETRY, draw_figure
from detcore.formats.losses import repeated_boxes
from detcore.options import NoOptions
from detcore.wording import counted

ATTRIBUTE_FLAGS = ("difficult", "truncated", "crowd")
"""Flags that CVAT has no field for, but labels may have such an attribute."""

_GEOMETRY = frozenset(name for names in GEOMETRY.values() for name in names)


def write_cvat(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``annotations.xml`` and ``images`` below ``out``; see :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, copy_images=copy_images)
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, *, copy_images: bool) -> None:
        self._dataset = dataset
        self._copy_images = copy_images
        self._copier = ImageCopier(enabled=copy_images)
        self._refused = 0
        self._boxed = 0
        self._written: list[DatasetImage] = []
        self._flags = [
            flag
            for flag in ATTRIBUTE_FLAGS
            if any(getattr(box, flag) for image in dataset.images for box in image.boxes)
        ]

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        kept = [KeptElements(image.extra, "cvat", "image", {}) for image in images]
        subsets = [
            kept_subset(item.holder.attributes.get("subset"), image.split)
            for image, item in zip(images, kept, strict=True)
        ]
        folders = [f"images/{subset}" if subset else "images" for subset in subsets]
        given = [item.holder.attributes.get("name") for item in kept]
        names = kept_or_unique(given, [image.name for image in images], folders, copied=self._copy_images)
        root = Node(tag="annotations", children=[leaf("version", "1.1"), self._meta()], closed=True)
        marks: dict[str, Any] = {}
        numbers = _Numbers()
        for done, (image, item) in enumerate(zip(images, kept, strict=True)):
            step(progress, done, len(images))
            size = self._copier.size_of(image)
            if size is None:
                continue
            place = f"{folders[done]}/{names[done]}"
            self._copier.copy(image, staging, place)
            node = item.holder
            attributes = {"id": numbers.next(node.attributes), "name": names[done]}
            if subsets[done]:
                attributes["subset"] = subsets[done]
            node.attributes |= {**attributes, "width": str(size[0]), "height": str(size[1])}
            node.children = [self._figure(box, size) for box in image.boxes] + item.nodes("nodes")
            self._refused += item.refused
            root.children.append(node)
            marks[place] = {"source": image.name, "verified": image.verified}
            self._written.append(image)
        staging.write_text("annotations.xml", f'<?xml version="1.0" encoding="utf-8"?>\n{serialise(root)}')
        staging.write_marker("cvat", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        losses: list[str] = []
        if self._boxed:
            losses.append(
                f"{counted(self._boxed, 'outline')} of several parts, or with another box than its own around it, "
                "written as a box."
            )
        if self._refused:
            items = counted(self._refused, "element or attribute", "elements or attributes")
            losses.append(f"{items} kept from an import that no XML file can hold.")
        return ExportReport(
            out=out,
            files=files,
            images=count_images(self._written),
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written)),
        )

    def _meta(self) -> Node:
        """What an import said of the task, with the labels of now."""
        labels = Node(
            tag="labels", children=[self._label(item) for item in self._dataset.classes], closed=True
        )
        fields: Any = self._dataset.extra.get("cvat")
        kept = (
            Node.from_json(cast("dict[str, Any]", fields).get("meta")) if isinstance(fields, dict) else None
        )
        if kept is None or kept.tag != "meta" or not is_sound(kept):
            return Node(tag="meta", children=[Node(tag="task", children=[labels])], closed=True)
        holder = next((node for node in kept.children if node.tag in {"project", "task", "job"}), kept)
        places = [place for place, node in enumerate(holder.children) if node.tag == "labels"]
        if places:
            holder.children[places[0]] = labels
        else:
            holder.children.append(labels)
        return kept

    def _label(self, item: DatasetClass) -> Node:
        kept = KeptElements(item.extra, "cvat", "label", {"label": frozenset({"name"})})
        nodes = kept.nodes("nodes")
        self._refused += kept.refused
        attributes = next((node for node in nodes if node.tag == "attributes"), None)
        if attributes is None and self._flags:
            attributes = Node(tag="attributes", closed=True)
            nodes.append(attributes)
        for flag in self._flags:
            if attributes is not None and all(node.value("name") != flag for node in attributes.children):
                attributes.text = ""
                attributes.children.append(_checkbox(flag))
        return Node(tag="label", children=[leaf("name", item.name), *nodes], closed=True)

    def _figure(self, box: DatasetBox, size: tuple[int, int]) -> Node:
        special = _special(box)
        node = draw_figure(box, size) if special is None else special
        if special is None and shape_of(box) is not None and sole_outline(box, size) is None:
            self._boxed += 1
        kept = KeptElements(box.extra, "cvat", node.tag, {})
        inner = kept.nodes("nodes")
        self._refused += kept.refused
        own = {"label": self._dataset.classes[box.label].name, "occluded": str(int(box.occluded))}
        others = {key: text for key, text in kept.holder.attributes.items() if key not in _GEOMETRY}
        node.attributes = {**others, **own, **node.attributes}
        node.children = [*node.children, *_with_flags(box, inner)]
        return node


class _Numbers:
    """A number for each image: that of an import where no other image of its task and subset has it, else a new one."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str, str]] = set()
        self._following = 0

    def next(self, attributes: dict[str, str]) -> str:
        """The id of an image with these attributes."""
        task, subset, number = (attributes.get(key, "") for key in ("task_id", "subset", "id"))
        if not number.isdecimal() or (task, subset, number) in self._taken:
            while (task, subset, str(self._following)) in self._taken:
                self._following += 1
            number = str(self._following)
        self._taken.add((task, subset, number))
        return number


def _special(box: DatasetBox) -> Node | None:
    """The figure that came with a box and that no other format can hold; ``None`` where the box was changed since."""
    fields: Any = box.extra.get("cvat")
    figure: Any = cast("dict[str, Any]", fields).get("figure") if isinstance(fields, dict) else None
    if not isinstance(figure, dict):
        return None
    told = cast("dict[str, Any]", figure)
    node = Node.from_json(told.get("node"))
    if node is None or node.tag not in GEOMETRY or told.get("box") != list(box.xyxy) or not is_sound(node):
        return None
    node.tail = ""
    return node


def _with_flags(box: DatasetBox, inner: list[Node]) -> list[Node]:
    """The attributes of a box, with those that stand for flags as they are now."""
    missing = [flag for flag in ATTRIBUTE_FLAGS if getattr(box, flag)]
    for node in inner:
        name = node.attributes.get("name", "") if node.tag == "attribute" else ""
        if name in ATTRIBUTE_FLAGS and as_flag(node.text) is not None:
            flag = bool(getattr(box, name))
            if bool(as_flag(node.text)) != flag:
                node.text = str(flag).lower()
            if name in missing:
                missing.remove(name)
    return [*inner, *(Node(tag="attribute", attributes={"name": flag}, text="true") for flag in missing)]


def _checkbox(name: str) -> Node:
    """What CVAT needs to know of an attribute before it takes it."""
    fields = {"name": name, "mutable": "False", "input_type": "checkbox", "default_value": "false"}
    children = [leaf(tag, text) for tag, text in fields.items()]
    return Node(tag="attribute", children=[*children, leaf("values", "false\ntrue")], closed=True)
