"""Files that were damaged at random: what can be read is read, what cannot is refused, and nothing else happens."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats
from detcore.formats.common.shapes import Shape
from detcore.formats.spec import FormatSpec
from detcore.formats.tfrecord.records import read_records, write_record
from tests.detcore.formats.format_samples import WRITABLE, box, dataset_of, save_image
from tests.detcore.formats.tool_layouts import LAYOUTS

WORDS = [
    b"NaN",
    b"1e308",
    b"-1",
    b"null",
    b"{",
    b"[",
    b"]",
    b'"',
    b"<",
    b">",
    b"&",
    b"\0",
    b"\xff\xfe",
    b"9" * 99,
]
WORDS += [b"../", b"\\ud800", b"true", b"[]", b"{}"]
VALUES = [
    None,
    True,
    -1,
    1e308,
    float("nan"),
    "",
    [],
    {},
    "x",
    [1, 2, 3, 4],
    {"a": 1},
    10**30,
    [[]],
    "\ud800",
]
FILES = {
    "visdrone": ("annotations/a.txt", "images/a.jpg", "10,20,30,40,1,4,0,0\n1,2,3,4,0,11,1,2\n" * 3),
    "wider-face": (
        "wider_face_split/wider_face_train_bbx_gt.txt",
        "WIDER_train/images/a.jpg",
        "a.jpg\n2\n10 20 30 40 0 0 0 0 0 0\n1 2 3 4 1 1 1 1 1 1\n",
    ),
    "mot": ("gt/gt.txt", "img1/000001.jpg", "1,7,10,20,30,40,1,1,1\n1,8,1,2,3,4,0,12,0.5\n" * 3),
}
"""Of formats whose classes are given: the file, the image, and what stands in the file."""
TRIANGLE = Shape(kind="polygon", parts=(((10, 10), (30, 12), (25, 40.5)),))


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The same bytes with some others, or without some, or cut short."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place, kind = rng.randrange(len(changed) + 1), rng.randrange(5)
        if kind == 0 and place < len(changed):
            changed[place] = rng.randrange(256)
        elif kind == 1:
            changed[place:place] = rng.choice(WORDS)
        elif kind == 2:
            del changed[place : place + rng.randrange(1, 40)]
        elif kind == 3:
            start = rng.randrange(len(changed) + 1)
            changed[place:place] = changed[start : start + rng.randrange(1, 200)]
        elif rng.random() < 0.2:
            changed = changed[:place]
    return bytes(changed)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every object and list within a value, with the keys of what it holds."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from places(item)


def with_strange_values(data: bytes, rng: random.Random) -> bytes:
    """JSON with values that nobody expects where they are, or without some."""
    content = json.loads(data)
    for _ in range(rng.choice([1, 1, 2, 3])):
        holder, key = rng.choice(list(places(content)) or [({}, "")])
        if rng.random() < 0.8:
            holder[key] = rng.choice(VALUES)
        elif key in holder or isinstance(holder, list):
            del holder[key]
    return json.dumps(content).encode()


def damage(path: Path, data: bytes, rng: random.Random) -> None:
    """Half of the files that are damaged are sound but for what they say."""
    path.write_bytes(data)
    if path.suffix not in {".json", ".tfrecord"} or rng.random() < 0.5:
        path.write_bytes(damaged(data, rng))
        return
    if path.suffix == ".json":
        path.write_bytes(with_strange_values(data, rng))
        return
    records = [record.data for record in read_records(path)]
    with path.open("wb") as file:
        for record in records:
            write_record(file, damaged(record, rng))


@pytest.mark.parametrize("name", WRITABLE)
def test_damaged_files_are_read_or_refused(name: str, tmp_path: Path):
    spec, rng = all_formats()[name], random.Random(name)
    outlined = box(1, *TRIANGLE.bounds, extra=TRIANGLE.kept(TRIANGLE.bounds), difficult=True)
    dataset = dataset_of(
        tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40, occluded=True), outlined], "b.jpg": []}
    )
    spec.write(dataset, tmp_path / "out")
    (tmp_path / "out/reticle.json").unlink()
    damage_and_read(spec, tmp_path / "out", rng)


@pytest.mark.parametrize("layout", [layout for layout, (name, _) in LAYOUTS.items() if name not in WRITABLE])
def test_damaged_files_of_formats_that_are_only_read_are_read_or_refused(layout: str, tmp_path: Path):
    name, lay_out = LAYOUTS[layout]
    damage_and_read(all_formats()[name], lay_out(tmp_path / "set"), random.Random(layout))


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_of_one_kind_of_object_are_read_or_refused(name: str, tmp_path: Path):
    file, image, text = FILES[name]
    save_image(tmp_path / "set" / image)
    (tmp_path / "set" / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "set" / file).write_text(text)
    damage_and_read(all_formats()[name], tmp_path / "set", random.Random(name))


def damage_and_read(spec: FormatSpec, folder: Path, rng: random.Random) -> None:
    """Many times one file is damaged: most datasets are read, and all that is in them is sound."""
    originals = {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".jpg"
    }
    read = 0
    for number in range(60):
        path = rng.choice(list(originals))
        damage(path, originals[path], rng)
        try:
            found, _ = spec.read(folder)
        except FormatError:
            continue
        finally:
            path.write_bytes(originals[path])
        read += 1
        for image in found.images:
            width, height = image.width or 1e9, image.height or 1e9
            assert all(
                0 <= item.x1 < item.x2 <= width and 0 <= item.y1 < item.y2 <= height for item in image.boxes
            )
        extras = [
            found.extra,
            *(image.extra for image in found.images),
            *(item.extra for item in found.classes),
        ]
        json.dumps(
            [*extras, *(item.extra for image in found.images for item in image.boxes)], allow_nan=False
        )
        if number % 4 == 0 and spec.writer is not None:
            spec.write(found, folder.parent / f"again{number}")
    assert read > 5
