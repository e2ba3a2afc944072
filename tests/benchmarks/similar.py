"""How much of what is alike *Find similar* finds, from one example box and from five.

python -m tests.benchmarks similar --data DIR [--images N]

Blood cells and cards, in the order of a seed. *On the same image*: the first boxes of a class are the examples, the others of
the image are to be found. *On others*: the examples are the first boxes of as many images, and all of the class on the other
images is to be found. Right is a proposal that has an IoU of 0.5 with a box that no better one has.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path

import cv2
import numpy as np

from detcore.assist.similar.finding import Alike, Lesson, Look
from detcore.boxes import iou
from detcore.images.decoding import read_image
from detcore.types import FloatArray, ImageArray
from tests.benchmarks.effort_sets import read_truth

RIGHT = 0.5
SAME = 0.4
"""IoU with an example from which a proposal is the example, and not counted."""
_FEW = 5
"""Boxes below which a row says nothing."""
_NOTHING: FloatArray = np.zeros((0, 4))

Labelled = tuple[ImageArray, dict[str, FloatArray]]
"""An image, and the boxes (N, 4) of each class."""


@dataclass
class Tally:
    """How many proposals were right and wrong of how many boxes, and the seconds of each image."""

    boxes: int = 0
    right: int = 0
    wrong: int = 0
    seconds: list[float] = field(default_factory=list[float])

    def count(self, alike: Alike, wanted: FloatArray, examples: FloatArray) -> None:
        found = alike.boxes
        found = found[(iou(found, examples) < SAME).all(axis=1)]
        overlaps = iou(found, wanted)
        for row in overlaps:
            best = int(row.argmax()) if len(wanted) else 0
            if len(wanted) and row[best] >= RIGHT:
                overlaps[:, best] = 0
                self.right += 1
            else:
                self.wrong += 1
        self.boxes += len(wanted)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks similar", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with bccd and playing_cards")
    parser.add_argument("--images", type=int, default=20, help="of each set (20)")
    options = parser.parse_args(argv)
    print("set, class, examples, where | boxes | precision | recall | seconds, median")
    for name in ("bccd", "cards"):
        labelled = read(name, options.data, options.images + 40)
        for what, tally in tallies(labelled[: options.images], labelled[options.images :]):
            shown = max(tally.right + tally.wrong, 1)
            precision, recall = tally.right / shown, tally.right / max(tally.boxes, 1)
            middle = statistics.median(tally.seconds)
            print(
                f"{name}, {what} | {tally.boxes} | {precision:.2f} | {recall:.2f} | {middle:.3f}", flush=True
            )
    image, boxes = max(read("bccd", options.data, options.images), key=lambda one: len(one[1].get("RBC", ())))
    for megapixels in (1, 12):
        print(
            f"{megapixels} megapixels of red cells from one: {seconds_of(image, boxes['RBC'][:1], megapixels)}"
        )
    return 0


def read(name: str, data: Path, count: int) -> list[Labelled]:
    labelled: list[Labelled] = []
    for path, boxes in read_truth(name, data, seed=0, count=count).images:
        classes = {kind for kind, _ in boxes}
        of_class = {kind: np.array([xyxy for one, xyxy in boxes if one == kind]) for kind in sorted(classes)}
        labelled.append((read_image(path), of_class))
    return labelled


def tallies(images: Sequence[Labelled], before: Sequence[Labelled]) -> Iterator[tuple[str, Tally]]:
    """Of each class, from one and from five examples: on the same image, and from images that come ``before``."""
    classes = sorted({kind for _, boxes in images for kind in boxes})
    for kind in classes:
        for count in (1, 5):
            tally = Tally()
            for image, boxes in images:
                own = boxes.get(kind, _NOTHING)
                if len(own) > count:
                    look(tally, image, None, own[:count], own[count:])
            if tally.boxes >= _FEW:
                yield f"{kind}, {count}, the same image", tally
            examples = [(image, boxes[kind][:1]) for image, boxes in before if kind in boxes][:count]
            lesson = reduce(add, [Look(image, side(box)).learn(box, _NOTHING) for image, box in examples])
            tally = Tally()
            for image, boxes in images:
                look(tally, image, lesson, _NOTHING, boxes.get(kind, _NOTHING))
            yield f"{kind}, {count}, other images", tally


def look(
    tally: Tally, image: ImageArray, lesson: Lesson | None, examples: FloatArray, wanted: FloatArray
) -> None:
    """Find what is alike on one image, and count it."""
    start = time.perf_counter()
    looked = Look(image, side(examples if lesson is None else None, lesson))
    learnt = looked.learn(examples, _NOTHING) if lesson is None else lesson
    looked.search(learnt, examples=examples)
    alike = looked.propose(learnt)
    tally.seconds.append(time.perf_counter() - start)
    tally.count(alike, wanted, examples)


def side(boxes: FloatArray | None, lesson: Lesson | None = None) -> float:
    sizes = boxes[:, 2:] - boxes[:, :2] if boxes is not None or lesson is None else lesson.sizes
    return float(np.exp(np.log(sizes).mean()))


def seconds_of(image: ImageArray, examples: FloatArray, megapixels: int) -> str:
    """An image beside itself until there are so many pixels, so that objects stay as they are: what a first search
    takes, and to follow one more example."""
    across = int(np.ceil(np.sqrt(megapixels * 1e6 / (image.shape[0] * image.shape[1]))))
    large = np.tile(image, (across, across, 1))
    factor = np.sqrt(megapixels * 1e6 / (large.shape[0] * large.shape[1]))
    large = cv2.resize(large, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    examples = examples * factor
    start = time.perf_counter()
    looked = Look(large, side(examples))
    lesson = looked.learn(examples, _NOTHING)
    looked.search(lesson, examples=examples)
    alike = looked.propose(lesson)
    first = time.perf_counter() - start
    start = time.perf_counter()
    more = np.concatenate([examples, alike.boxes[:5]])
    looked.propose(looked.learn(more, alike.boxes[5:8]))
    return f"{first:.3f} s, again after an accepted one {time.perf_counter() - start:.3f} s"
