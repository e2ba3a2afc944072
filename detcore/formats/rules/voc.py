"""How labelImg, torchvision and CVAT read Pascal VOC."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from detcore.formats.common.xmltree import Node, parse
from detcore.formats.rules.tally import ReaderRules, Tally

_HOME = Path("VOCdevkit/VOC2012")
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_FLAGS = ("difficult", "truncated", "occluded")
_TORCHVISION_LISTS = ("train", "val", "trainval")


def _annotation(path: Path) -> Node:
    """Raises ValueError where the file is no XML."""
    read = parse(path.read_bytes())
    if read.root is None or read.broken is not None:
        raise ValueError(f"{path.name} is no XML")
    return read.root


def _objects(root: Node) -> list[Node]:
    return [node for node in root.children if node.tag == "object"]


def _numbers(item: Node) -> list[float] | None:
    """The edges; ``None`` where one is no finite number or the box has no area."""
    try:
        edges = [float(item.value("bndbox", edge) or "") for edge in _EDGES]
    except ValueError:
        return None
    ordered = all(map(math.isfinite, edges)) and edges[0] < edges[2] and edges[1] < edges[3]
    return edges if ordered else None


def _lists(home: Path) -> Iterator[tuple[str, list[str]]]:
    folder = home / "ImageSets" / "Main"
    for path in sorted(folder.glob("*.txt")):
        yield path.stem, path.read_text("utf-8").split("\n")[:-1]


def labelimg(folder: Path, tally: Tally) -> None:
    """Each XML beside the images, ``int(float(text))`` of each edge; the first object that fails ends the file."""
    for path in sorted((folder / _HOME / "Annotations").rglob("*.xml")):
        root = _annotation(path)
        tally.images += 1
        for item in _objects(root):
            edges = _numbers(item)
            if edges is None or not item.value("name"):
                tally.fault("an object without a name or a box: the rest of the file is not read", path.name)
                break
            if any(edge != int(edge) for edge in edges):
                tally.fault("edges between pixels, which are cut to whole ones", path.name)
            if item.value("difficult") not in {"0", "1", None}:
                tally.fault("“difficult” is no number", path.name)
            tally.boxes += 1


def torchvision(folder: Path, tally: Tally) -> None:
    """Stems of the lists train, val and trainval; the image is always STEM.jpg."""
    home, stems = folder / _HOME, dict[str, None]()
    for name, lines in _lists(home):
        if name in _TORCHVISION_LISTS:
            stems |= dict.fromkeys(lines)
        else:
            tally.fault("a list that is not opened", f"{name}.txt")
    if not stems:
        tally.fault("there is no list of the name train, val or trainval", home / "ImageSets/Main")
    for stem in stems:
        if not (home / "JPEGImages" / f"{stem}.jpg").is_file():
            tally.fault("the image is not there as STEM.jpg", stem)
            continue
        root = _annotation(home / "Annotations" / f"{stem}.xml")
        tally.images += 1
        for item in _objects(root):
            if _numbers(item) is None:
                tally.fault("a box that is none", stem)
            tally.boxes += 1


def cvat(folder: Path, tally: Tally) -> None:
    """Each list is a subset; flags are exactly 0 or 1, names stand in labelmap.txt, whose columns are parted by
    colons."""
    home, met = folder / _HOME, dict[str, str]()
    rows = (home / "labelmap.txt").read_text("utf-8").split("\n")[:-1]
    names = set[str]()
    for row in rows:
        if row.count(":") != 3:
            tally.fault("a class name with a colon", row)
        names.add(row.partition(":")[0])
    for subset, stems in _lists(home):
        if "_" in subset:
            tally.fault("a list that is passed over for its “_”", subset)
            continue
        for stem in stems:
            if stem in met:
                tally.fault(f"an image in the lists {met[stem]} and {subset}, which is taken twice", stem)
            met[stem] = subset
    for stem in met:
        root = _annotation(home / "Annotations" / f"{stem}.xml")
        filename = root.value("filename") or ""
        if Path(filename).stem != Path(stem).name or not (home / "JPEGImages" / filename).is_file():
            tally.fault("<filename> names no image of the export", stem)
            continue
        tally.images += 1
        for item in _objects(root):
            if item.value("name") not in names:
                tally.fault("a class that labelmap.txt lacks", stem)
                continue
            if any(item.value(flag) not in {"0", "1"} for flag in _FLAGS):
                tally.fault("a flag that is neither 0 nor 1", stem)
                continue
            if _numbers(item) is None:
                tally.fault("a box that is none", stem)
                continue
            tally.boxes += 1


VOC_RULES = (
    ReaderRules(reader="labelImg", check=labelimg, needs_images=False),
    ReaderRules(reader="torchvision", check=torchvision),
    ReaderRules(reader="CVAT", check=cvat),
)
