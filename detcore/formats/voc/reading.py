"""Pascal VOC: one XML file an image, splits as lists of stems.

Reads what labelImg, CVAT, Roboflow, X-AnyLabeling and the original devkit write. The image of an
annotation is found by the stem of the XML file and by its ``filename``, never by its ``path``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detcore.boxes import fit
from detcore.errors import FormatError
from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetImage,
    Problem,
    Progress,
    step,
)
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.staging import read_marker
from detcore.formats.common.text import as_flag, foreign_parts, read_bytes
from detcore.formats.common.xmltree import Node, parse
from detcore.formats.losses import Capabilities
from detcore.formats.rules.voc import VOC_RULES
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.formats.voc.extra import EDGES, image_extra, not_kept, object_extra
from detcore.formats.voc.in_place import VocFiles
from detcore.formats.voc.lists import SplitLists, read_label_map
from detcore.formats.voc.writing import VocOptions, write_voc

_IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "img", "")


def read_voc(source: Path, *, image_folder: Path | None, progress: Progress) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    return _Reader(source, image_folder, progress).read(progress)


def sniff_voc(sample: Sample) -> Sniffed | None:
    """Whether the XML file, or the first ones of a folder, hold annotations with boxes."""
    return sample.surest((".xml",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    try:
        root = parse(read_head(path)).root
    except FormatError as error:
        return Sniffed(confidence=0.0, why=error.message)
    if root is None:
        return Sniffed(confidence=0.0, why="this is no XML")
    if root.tag != "annotation":
        return Sniffed(confidence=0.0, why=f"the root element is <{root.tag[:60]}>, not <annotation>")
    objects = [node for node in root.children if node.tag == "object"]
    if any(node.child("bndbox") for node in objects):
        return Sniffed(confidence=0.95, why="<annotation> with <object> and <bndbox>")
    if objects:
        return Sniffed(confidence=0.0, why="an <annotation> whose objects have no <bndbox>")
    if root.child("filename") or root.child("size"):
        return Sniffed(confidence=0.8, why="an <annotation> without objects")
    return Sniffed(confidence=0.0, why="an <annotation> with neither <object> nor <filename>")


VOC = FormatSpec(
    name="voc",
    title="Pascal VOC",
    kind="XML",
    text="One XML file an image. For torchvision, CVAT and labelImg.",
    suffixes=(".xml",),
    sniff=sniff_voc,
    reader=read_voc,
    writer=write_voc,
    readers=VOC_RULES,
    options=VocOptions,
    open=VocFiles,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified=True,
        verified_empty=True,
        splits=True,
        sizes=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Annotation:
    """A parsed file. ``base`` is the folder that ``Annotations`` lies in, else that of the file;
    ``stem`` is the path below it, without extension."""

    path: Path
    base: Path
    stem: str
    root: Node | None
    whole: bool

    @property
    def subfolder(self) -> str:
        return self.stem.rpartition("/")[0]

    @property
    def filename(self) -> str:
        """The file name that the annotation claims, without folders."""
        parts = foreign_parts((self.root and self.root.value("filename")) or "")
        return parts[-1] if parts else ""


class _Reader:
    def __init__(self, source: Path, image_folder: Path | None, progress: Progress) -> None:
        self._found = Gathering(source, image_folder, progress)
        self._lists: dict[Path, SplitLists] = {}
        self._offsets: dict[Path, float] = {}

    def read(self, progress: Progress) -> tuple[Dataset, list[Problem]]:
        files = self._found.files(self._found.source, (".xml",))
        if not files:
            raise FormatError("no XML file here", path=self._found.source)
        annotations: list[_Annotation] = []
        for done, path in enumerate(files):
            step(progress, done, 2 * len(files))
            annotation = self._parse(path)
            if annotation is not None:
                annotations.append(annotation)
        if not annotations:
            reason = str(self._found.problems[0]) if self._found.problems else "no annotation"
            raise FormatError(f"no Pascal VOC annotation here ({reason})", path=self._found.source)
        images = self._find_images(annotations)
        for done, annotation in enumerate(annotations):
            step(progress, len(files) + done, 2 * len(files))
            if annotation.path in images:
                self._found.add(self._image(annotation, images[annotation.path]), annotation.path)
        for folder in sorted({path.parent for path in images.values()}):
            base = self._base(folder / "x.jpg")[0] if folder.name.lower() == "annotations" else folder.parent
            lists = self._lists.get(base) or self._lists.get(folder)
            self._found.add_unlabelled(folder, lists.by_stem if lists else None)
        for lists in self._lists.values():
            self._found.problems.extend(lists.problems())
        step(progress, 2 * len(files), 2 * len(files))
        return self._found.dataset(), self._found.problems

    def _parse(self, path: Path) -> _Annotation | None:
        try:
            parsed = parse(read_bytes(path))
        except FormatError as error:
            self._found.problem(path, error.message)
            return None
        root = parsed.root
        if root is not None and root.tag != "annotation":
            self._found.problem(path, f"not a Pascal VOC annotation (root element <{root.tag}>)", root.line)
            return None
        base, stem = self._base(path)
        whole = root is not None and root.closed
        for message, line in (*parsed.oddities, *(not_kept(root) if root is not None else ())):
            self._found.problem(path, message, line)
        if parsed.broken is not None:
            message, line = parsed.broken
            if not whole:
                kept = sum(node.tag == "object" and node.closed for node in root.children) if root else 0
                message = f"broken XML ({message}): {kept} complete objects read, the rest is lost"
            self._found.problem(path, message, line)
        return _Annotation(path=path, base=base, stem=stem, root=root, whole=whole)

    def _base(self, path: Path) -> tuple[Path, str]:
        for folder in path.parents:
            if folder.name.lower() == "annotations":
                return folder.parent, path.relative_to(folder).with_suffix("").as_posix()
            if folder == self._found.folder:
                break
        return path.parent, path.stem

    def _find_images(self, annotations: list[_Annotation]) -> dict[Path, Path]:
        """The image of each annotation; where there is none, the path at which it should be. One whose name
        fits several images has none, and is reported."""
        found: dict[Path, Path] = {}
        lost: list[_Annotation] = []
        for annotation in annotations:
            path = self._near(annotation)
            if path is None:
                lost.append(annotation)
            else:
                found[annotation.path] = path
        taken = set(found.values())
        for annotation in lost:
            candidates = self._far(annotation)
            if len(candidates) > 1:
                name = annotation.filename or annotation.path.stem
                self._found.ambiguous(annotation.path, name, candidates)
            elif candidates and candidates[0] not in taken:
                taken.add(candidates[0])
                found[annotation.path] = candidates[0]
            else:
                found[annotation.path] = self._expected(annotation)
        return found

    def _near(self, annotation: _Annotation) -> Path | None:
        finder = self._found.finder
        stem = annotation.path.stem
        folders = [annotation.path.parent]
        if annotation.base != annotation.path.parent:
            folders += [annotation.base / name / annotation.subfolder for name in _IMAGE_FOLDERS]
            folders += [annotation.base / name for name in _IMAGE_FOLDERS if annotation.subfolder]
        else:
            folders += [annotation.base.parent / name for name in _IMAGE_FOLDERS if name]
        claimed = annotation.filename
        names_stem = claimed.rpartition(".")[0].lower() == stem.lower()
        for folder in folders:
            path = finder.by_name(folder, claimed) if names_stem else None
            path = path or finder.by_stem(folder, stem)
            if path is not None:
                return path
        for folder in folders:
            path = finder.by_name(folder, claimed) if claimed else None
            if path is not None:
                return path
        return None

    def _far(self, annotation: _Annotation) -> list[Path]:
        """The images anywhere that the annotation may mean: one where its own name or the one that it claims
        fits one alone."""
        folder = foreign_parts((annotation.root and annotation.root.value("folder")) or "")
        inner = tuple(annotation.subfolder.split("/")) if annotation.subfolder else folder[-1:]
        own = annotation.path.parent.relative_to(self._found.folder).parts
        written = (annotation.root and annotation.root.value("filename")) or ""
        claimed = foreign_parts(written)
        stem = annotation.path.stem + ".x"
        anywhere = self._found.finder.anywhere
        searches = [anywhere((*inner, stem), stem_only=True), anywhere((*own, stem), stem_only=True)]
        if claimed:
            searches.append(anywhere((*inner, *claimed[-1:])))
            searches.append(self._found.elsewhere(annotation.path.parent, written))
        found = [images for images in searches if images]
        return next((images for images in found if len(images) == 1), found[0] if found else [])

    def _expected(self, annotation: _Annotation) -> Path:
        suffix = Path(annotation.filename).suffix or ".jpg"
        if annotation.base == annotation.path.parent:
            return annotation.path.with_suffix(suffix)
        return annotation.base / "JPEGImages" / f"{annotation.stem}{suffix}"

    def _image(self, annotation: _Annotation, path: Path) -> DatasetImage:
        lists = self._split_lists(annotation.base)
        split = lists.find(annotation.stem, annotation.path.stem)
        if split is None and not lists:
            split = self._found.folder_split(annotation.path) or self._found.folder_split(path)
        root = annotation.root or Node(tag="annotation")
        frame = self._found.frame(annotation.path, path, _declared_size(root))
        objects = [node for node in root.children if node.tag == "object" and node.closed]
        boxes = [box for node in objects if (box := self._box(annotation, node, frame)) is not None]
        says_verified = root.attributes.get("verified", "").lower() in {"yes", "true", "1"}
        return DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=split,
            labelled=annotation.whole or bool(boxes),
            verified=annotation.whole and (says_verified or not objects),
            boxes=boxes,
            extra=image_extra(root),
        )

    def _split_lists(self, base: Path) -> SplitLists:
        lists = self._lists.get(base)
        if lists is None:
            lists = self._lists[base] = SplitLists.read(base)
            for name in read_label_map([base]):
                self._found.classes.add(name)
            markers = [read_marker(folder) for folder in (base, base.parent, base.parent.parent)]
            one_based = any(marker and marker.get("coordinates") == "one_based" for marker in markers)
            self._offsets[base] = 1.0 if one_based else 0.0
        return lists

    def _box(self, annotation: _Annotation, node: Node, frame: Frame) -> DatasetBox | None:
        def report(message: str, line: int = node.line) -> None:
            self._found.problem(annotation.path, message, line)

        name = node.value("name")
        bounds = node.child("bndbox")
        if not name:
            report("object without name: left out")
            return None
        if bounds is None:
            report(f"object {name!r} without <bndbox>: left out")
            return None
        texts = [bounds.value(edge) or "" for edge in EDGES]
        try:
            x1, y1, x2, y2 = (float(text) for text in texts)
        except ValueError:
            report(f"box coordinates {texts} are not numbers: left out", bounds.line)
            return None
        offset = self._offsets[annotation.base]
        x1, y1 = x1 - offset, y1 - offset
        box, message = fit(frame.turn((x1, y1, x2, y2)), width=frame.width, height=frame.height)
        if message is not None:
            report(message, bounds.line)
        if box is None:
            return None
        flags = {flag: as_flag(node.value(flag)) for flag in ("difficult", "truncated", "occluded")}
        for flag, value in flags.items():
            if value is None:
                report(f"<{flag}> is neither 0 nor 1: read as 0")
        extra, crowd = object_extra(node)
        return DatasetBox(
            label=self._found.classes.add(name),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            difficult=bool(flags["difficult"]),
            truncated=bool(flags["truncated"]),
            occluded=bool(flags["occluded"]),
            crowd=crowd,
            extra=extra,
        )


def _declared_size(root: Node) -> tuple[int, int] | None:
    try:
        width, height = (int(float(root.value("size", side) or "")) for side in ("width", "height"))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None
