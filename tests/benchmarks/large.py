"""Large data sets: a COCO file of the size of the public one against pycocotools, and a project of a million images.

python -m tests.benchmarks large [--images 118000] [--boxes 860000] [--polygons] [--million] [--only-million]

Each part runs in a process of its own and tells the processor time it took, imports of modules left out, and the most
memory that it held. The images of the files are not there, so that no header is read. The million is made by SQL: 10
boxes an image of 80 classes, the first of which has an eighth of all.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks.figures import Figure, seconds, table

IMAGES, BOXES, CLASSES = 118_000, 860_000, 80
MILLION = 1_000_000
_CORNERS = 14
"""Of a polygon: that of COCO has 28 on average, of which many are of two decimals."""


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks large", description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--boxes", type=int, default=BOXES)
    parser.add_argument("--polygons", action="store_true", help="with an outline for each box")
    parser.add_argument("--million", action="store_true", help="the project of a million images as well")
    parser.add_argument("--only-million", action="store_true")
    parser.add_argument("--part", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.part:
        name, folder = options.part
        sys.stdout.write(json.dumps(PARTS[name](Path(folder))))
        return 0
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if not options.only_million:
            (folder / "set").mkdir()
            write_coco(
                folder / "set" / "instances.json", options.images, options.boxes, polygons=options.polygons
            )
            figures += _against_pycocotools(folder)
        if options.million or options.only_million:
            figures += _million(folder)
    sys.stdout.write(table(figures) + "\n")
    return 0


def write_coco(path: Path, images: int, boxes: int, *, polygons: bool) -> None:
    """Ground truth by seed: so many boxes on so many images of 640 by 480, a few classes with the most."""
    rng = np.random.default_rng(0)
    of_images = np.sort(rng.integers(0, images, boxes))
    labels = (rng.random(boxes) ** 2 * CLASSES).astype(int)
    sides = rng.uniform(4, 200, (boxes, 2)).round(2)
    corners = (rng.random((boxes, 2)) * ([640, 480] - sides - 0.01)).round(2)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info":{"description":"made by seed 0"},"images":[')
        file.write(
            ",".join(
                f'{{"id":{number},"file_name":"{number:012}.jpg","width":640,"height":480}}'
                for number in range(1, images + 1)
            )
        )
        names = ",".join(f'{{"id":{number + 1},"name":"class {number}"}}' for number in range(CLASSES))
        file.write(f'],"categories":[{names}],"annotations":[')
        for row in range(boxes):
            box = [*corners[row].tolist(), *sides[row].tolist()]
            entry = {
                "id": row + 1,
                "image_id": int(of_images[row]) + 1,
                "category_id": int(labels[row]) + 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            if polygons:
                points = corners[row] + sides[row] * rng.random((_CORNERS, 2))
                entry |= {"segmentation": [points.round(2).ravel().tolist()], "area": box[2] * box[3] * 0.6}
            file.write(("," if row else "") + json.dumps(entry, separators=(",", ":")))
        file.write("]}")


def _against_pycocotools(folder: Path) -> list[Figure]:
    peer, imported, exported = (_in_a_process(part, folder) for part in ("pycocotools", "import", "export"))
    what = f"{(folder / 'set' / 'instances.json').stat().st_size / 1e6:,.0f} MB of COCO"
    return [
        _figure(f"import {what}, processor time", imported["cpu"], "s", 2 * peer["cpu"], peer["cpu"]),
        _figure("  the most memory held", imported["peak"], "MB", 1.5 * peer["peak"], peer["peak"]),
        _figure(f"export {what}, processor time", exported["cpu"], "s", 2 * peer["cpu"], peer["cpu"]),
        _figure("  the most memory held", exported["peak"], "MB", None, peer["peak"]),
        Figure(name="info, the whole command", value=_info(folder), unit="s", aim=0.5),
        Figure(name="  within it", value=_in_a_process("statistics", folder)["wall"], unit="s"),
        Figure(
            name="open, list of images, boxes of the first",
            value=_in_a_process("open", folder)["wall"],
            unit="s",
            aim=1.0,
        ),
    ]


def _million(folder: Path) -> list[Figure]:
    made = _in_a_process("make", folder)
    opened = _in_a_process("open", folder)
    return [
        Figure(name="make a project of 1,000,000 images and 10,000,000 boxes", value=made["wall"], unit="s"),
        Figure(name="open it, list of images, boxes of the first", value=opened["wall"], unit="s", aim=1.5),
        Figure(name="filter by the commonest class", value=opened["filter"], unit="s", aim=0.3),
        Figure(name="boxes of each class", value=opened["counts"], unit="s"),
        Figure(name="the most memory held", value=opened["peak"], unit="MB", aim=600),
    ]


def _figure(name: str, value: float, unit: str, aim: float | None, peer: float) -> Figure:
    return Figure(name=name, value=value, unit=unit, aim=aim, peer=peer, peer_name="pycocotools")


def _in_a_process(part: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks", "large", "--part", part, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _info(folder: Path) -> float:
    words = [sys.executable, "main.py", "info", str(folder / "large.reticle")]
    return min(seconds(lambda: subprocess.run(words, check=True, capture_output=True)) for _ in range(3))


def _measured(work: Callable[[], object]) -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _pycocotools(folder: Path) -> dict[str, float]:
    from pycocotools.coco import COCO

    return _measured(lambda: COCO(str(folder / "set" / "instances.json")))


def _import(folder: Path) -> dict[str, float]:
    from detcore.exchange import ImportOptions, find_dataset, import_found
    from detcore.project.project import Project

    def work() -> None:
        source = folder / "set" / "instances.json"
        found = find_dataset("coco", source, options=ImportOptions(missing=True))
        with Project.create(folder / "large.reticle", image_root=folder / "set") as project:
            import_found(project, found)

    return _measured(work)


def _export(folder: Path) -> dict[str, float]:
    from detcore.exchange import export_dataset
    from detcore.formats.base import ExportOptions, Images
    from detcore.project.project import Project

    def work() -> None:
        with Project.open(folder / "large.reticle", read_only=True) as project:
            export_dataset(project, "coco", folder / "out", options=ExportOptions(images=Images.REFERENCE))

    return _measured(work)


def _statistics(folder: Path) -> dict[str, float]:
    from detcore.project.project import Project

    def work() -> None:
        with Project.open(folder / "large.reticle", read_only=True) as project:
            project.statistics()

    return _measured(work)


def _open(folder: Path) -> dict[str, float]:
    """As the window opens it, on a day on which it has been open before."""
    from detcore.project.project import Project
    from detcore.project.reading import class_counts, images_with_box

    path = folder / "large.reticle"
    Project.open(path).close()

    def work() -> None:
        with Project.open(path) as project:
            project.boxes(int(project.image_list().ids[0]))

    found = _measured(work)
    with Project.open(path) as project:
        found["filter"] = seconds(lambda: images_with_box(project, class_id=1))
        found["counts"] = seconds(lambda: class_counts(project))
    return {**found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _make(folder: Path) -> dict[str, float]:
    from detcore.project.edits import add_classes
    from detcore.project.project import Project

    def work() -> None:
        paths = [f"part_{number // 1000:04}/photo_{number:07}.jpg" for number in range(MILLION)]
        path = folder / "large.reticle"
        with Project.create(path, image_root=folder / "set", image_paths=paths) as project:
            project.edit(add_classes, [f"class {number}" for number in range(CLASSES)])
            with project.database.write() as connection:
                connection.execute(
                    "WITH RECURSIVE place (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM place WHERE n < ? - 1),"
                    " spot AS (SELECT n, n * 7919 % 1000 / 1000.0 AS r FROM place)"
                    " INSERT INTO box SELECT n + 1, n / 10 + 1, 1 + CAST(r * r * ? AS INTEGER), 500 * r, 300 * r,"
                    " 500 * r + 90.5, 300 * r + 80.5, 0, 0, 0, 0, 'import', NULL, NULL, 0.0, 0.0, NULL,"
                    " '{\"coco\":{\"id\":' || n || '}}' FROM spot",
                    (10 * MILLION, CLASSES),
                )

    return _measured(work)


PARTS: dict[str, Callable[[Path], dict[str, float]]] = {
    "pycocotools": _pycocotools,
    "import": _import,
    "export": _export,
    "statistics": _statistics,
    "open": _open,
    "make": _make,
}
