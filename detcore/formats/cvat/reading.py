"""CVAT's XML for images, and that for videos where the frames are images.

Boxes, and what stands for a box by its bounds, are read; what else CVAT says of an image, a box or a label is kept for
the export.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from detcore.boxes import fit
from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import as_flag, read_bytes, split_of_file, split_of_folder
from detcore.formats.common.xmltree import Node, parse
from detcore.formats.cvat.figures import GEOMETRY, read_figure
from detcore.formats.cvat.writing import ATTRIBUTE_FLAGS, write_cvat
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.wording import counted

_USED_OF_IMAGE = frozenset({"width", "height"})
_USED_OF_FRAME = frozenset({"frame", "outside", "keyframe"})
_STEP = 64


def read_cvat(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    files = found.files(source, (".xml",))
    roots = [(path, root) for path in files if (root := _parse(path, found)) is not None]
    if not roots:
        reason = f" ({found.problems[0]})" if found.problems else ""
        raise FormatError(f"no CVAT annotations here{reason}", path=source)
    total = sum(len(root.children) for _, root in roots)
    done = 0
    for path, root in roots:
        file = _File(path, root, found)
        for node in (*file.images, *file.frames()):
            if done % _STEP == 0:
                step(progress, done, total)
            file.read(node)
            done += 1
        for folder in sorted(file.frame_folders):
            found.add_unlabelled(folder)
    step(progress, total, total)
    return found.dataset(), found.problems


def sniff_cvat(sample: Sample) -> Sniffed | None:
    """Whether the XML file, or the first ones of a folder, have CVAT's root and what it puts below."""
    return sample.surest((".xml",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    try:
        root = parse(read_head(path)).root
    except FormatError:
        return None
    if root is None or root.tag != "annotations":
        return None
    if any(node.tag == "image" and "name" in node.attributes for node in root.children):
        return Sniffed(confidence=0.95, why="<annotations> with <image>")
    if any(node.tag == "track" for node in root.children):
        return Sniffed(confidence=0.9, why="<annotations> with <track>, a video")
    if root.child("meta") and root.child("version"):
        return Sniffed(confidence=0.9, why="<annotations> with <version> and <meta>")
    return Sniffed(confidence=0.0, why="an <annotations> without <image> or <track>")


CVAT = FormatSpec(
    name="cvat",
    title="CVAT",
    kind="XML",
    text="CVAT for images 1.1. One XML file, with outlines, attributes and labels.",
    suffixes=(".xml",),
    sniff=sniff_cvat,
    reader=read_cvat,
    writer=write_cvat,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        shapes=frozenset({"polygon", "rotated", "line", "points", "ellipse"}),
        kept_beside=True,
    ),
)


def _parse(path: Path, found: Gathering) -> Node | None:
    try:
        parsed = parse(read_bytes(path))
    except FormatError as error:
        found.problem(path, error.message)
        return None
    root = parsed.root
    if root is None or root.tag != "annotations":
        found.problem(path, f"no annotations of CVAT (root element <{root.tag if root else ''}>)")
        return None
    for message, line in parsed.oddities:
        found.problem(path, message, line)
    if parsed.broken is not None:
        message, line = parsed.broken
        kept = sum(node.closed for node in root.children if node.tag == "image")
        images = counted(kept, "complete image")
        found.problem(path, message if root.closed else f"broken XML ({message}): {images} read", line)
    return root


class _File:
    """One file of annotations; ``images`` are its elements, and in ``frame_folders`` lie the frames of its video."""

    def __init__(self, path: Path, root: Node, found: Gathering) -> None:
        self._path = path
        self._root = root
        self._found = found
        self._home = path.parent
        self._marks = read_marks([path.parent])
        self._split = split_of_file(path.stem) or found.folder_split(path)
        self.frame_folders: set[Path] = set()
        self.images = [node for node in root.children if node.tag == "image"]
        self._about = _about(root)
        self._keep_whole()
        self._read_labels()

    def frames(self) -> Iterable[Node]:
        """The frames of a video as if they were images: the boxes of its tracks that are written for a frame."""
        tracks = [node for node in self._root.children if node.tag == "track" and node.closed]
        if not tracks:
            return ()
        self._report(
            f"a video: {counted(len(tracks), 'track')} read as the boxes that are written for each frame; nothing "
            "is put between them, and which boxes belong together is not kept",
            tracks[0].line,
        )
        size = self._about.child("original_size") or Node(tag="")
        sides = {side: text for side in ("width", "height") if (text := size.value(side))}
        frames: dict[int, Node] = {}
        for track in tracks:
            for node in track.children:
                text = node.attributes.get("frame", "")
                if node.tag not in GEOMETRY or node.attributes.get("outside") == "1" or not text.isdecimal():
                    continue
                number = int(text[:18])
                attributes = {"name": f"frame_{number:06d}", **sides}
                frame = frames.setdefault(
                    number, Node(tag="frame", attributes=attributes, line=node.line, closed=True)
                )
                shared = {key: value for key, value in track.attributes.items() if key != "id"}
                own = {key: value for key, value in node.attributes.items() if key not in _USED_OF_FRAME}
                node.attributes = shared | own
                frame.children.append(node)
        return frames.values()

    def read(self, node: Node) -> None:
        """Take an image in, with its boxes."""
        path = self._find(node)
        if path is None:
            return
        if node.tag == "frame":
            self.frame_folders.add(path.parent)
        frame = self._found.frame(self._path, path, _declared_size(node))
        boxes: list[DatasetBox] = []
        others: list[dict[str, Any]] = []
        for item in node.children:
            box = self._box(item, frame) if item.tag in GEOMETRY and item.closed else None
            if box is not None:
                boxes.append(box)
            elif item.closed and (item.tag != "box" or not item.attributes.get("label")):
                others.append(item.to_json())
        figures = sum(item.tag in GEOMETRY for item in node.children)
        subset = node.attributes.get("subset") or self._about.value("subset") or ""
        split = split_of_folder((subset,)) if subset else self._split or self._found.folder_split(path)
        attributes = {key: value for key, value in node.attributes.items() if key not in _USED_OF_IMAGE}
        kept: dict[str, Any] = {"attributes": attributes} if node.tag == "image" else {}
        if others:
            kept["nodes"] = others
        image = DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=split,
            labelled=node.closed or bool(boxes),
            verified=bool(self._marks.get(path, {}).get("verified")) or (node.closed and not figures),
            boxes=boxes,
            extra={"cvat": kept} if kept else {},
        )
        self._found.add(image, self._path)

    def _report(self, message: str, line: int | None = None) -> None:
        self._found.problem(self._path, message, line)

    def _keep_whole(self) -> None:
        meta = self._root.child("meta")
        if meta is None:
            return
        if "cvat" in self._found.extra:
            self._report("what it says of its task is not kept: that of another file is", meta.line)
        else:
            self._found.extra["cvat"] = {"meta": meta.to_json()}

    def _read_labels(self) -> None:
        labels = self._about.child("labels") or Node(tag="labels")
        for node in labels.children:
            name = node.value("name")
            if node.tag != "label" or not name or node.value("parent"):  # one within a skeleton is no class
                continue
            others = [child.to_json() for child in node.children if child.tag != "name"]
            self._found.classes.add(name, None, {"cvat": {"nodes": others}} if others else None)

    def _find(self, node: Node) -> Path | None:
        written, subset = node.attributes.get("name", ""), node.attributes.get("subset", "")
        inner = (f"images/{subset}", "images", subset, "") if subset else ("images", "")
        homes = list(dict.fromkeys(self._home / folder for folder in inner))
        if node.tag == "frame":  # its name is ours: that of the file may have any extension
            for home in homes:
                path = self._found.finder.by_stem(home, written)
                if path is not None:
                    return path
            path = next(iter(self._found.finder.anywhere((f"{written}.x",), stem_only=True)), None)
            return path or self._home / "images" / f"{written}.png"
        return self._found.named(self._path, written, homes, expected=homes[0], line=node.line)

    def _box(self, node: Node, frame: Frame) -> DatasetBox | None:
        label = node.attributes.get("label", "").strip()
        if not label:
            self._report(f"<{node.tag}> without a label: left out", node.line)
            return None
        try:
            figure = read_figure(node)
        except ValueError as error:
            self._report(f"<{node.tag}> of {label!r}: {error}: left out", node.line)
            return None
        shape = None if figure.shape is None else figure.shape.turned(frame)
        bounds = frame.turn(figure.bounds) if shape is None else shape.bounds
        box, message = fit(bounds, width=frame.width, height=frame.height)
        if message is not None:
            self._report(message, node.line)
        if box is None:
            return None
        used = {"label", "occluded", *GEOMETRY[node.tag]}
        attributes = {key: value for key, value in node.attributes.items() if key not in used}
        special = figure.special and frame.orientation == 1
        inner = [
            child.to_json() for child in node.children if child.tag == "attribute" or node.tag != "skeleton"
        ]
        kept: dict[str, Any] = {"attributes": attributes} if attributes else {}
        if inner:
            kept["nodes"] = inner
        if special:
            kept["figure"] = {"node": _figure_alone(node).to_json(), "box": list(box)}
        extra = {} if shape is None else shape.kept(box)
        flags = {
            flag: bool(as_flag(item.text))
            for item in node.children
            if item.tag == "attribute" and (flag := item.attributes.get("name", "")) in ATTRIBUTE_FLAGS
        }
        return DatasetBox(
            label=self._found.classes.add(label),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            occluded=bool(as_flag(node.attributes.get("occluded"))),
            extra={**extra, "cvat": kept} if kept else extra,
            **flags,
        )


def _about(root: Node) -> Node:
    """What the file says of its task, project or job."""
    meta = root.child("meta") or Node(tag="meta")
    for tag in ("project", "task", "job"):
        node = meta.child(tag)
        if node is not None:
            return node
    return meta


def _figure_alone(node: Node) -> Node:
    """The element with nothing but where it is."""
    attributes = {key: value for key, value in node.attributes.items() if key in GEOMETRY[node.tag]}
    inner = [child for child in node.children if child.tag != "attribute"]
    return Node(tag=node.tag, attributes=attributes, children=inner, closed=True)


def _declared_size(node: Node) -> tuple[int, int] | None:
    try:
        width, height = (int(float(node.attributes.get(side, ""))) for side in ("width", "height"))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None
