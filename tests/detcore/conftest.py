"""Runs on small invented images: bright rectangles on dark noise."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detcore.jobs.config import TrainConfig
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.types import Box, ObjectClass, Status
from tests.columns import ground_truth

COLOURS = ((220, 60, 60), (60, 220, 60), (60, 60, 220))
MakeRun = Callable[..., RunFolder]


def draw_images(
    folder: Path, *, count: int, width: int, height: int, classes: int
) -> tuple[list[Path], list[Box]]:
    """Files with one to three rectangles each; every fourth image is empty. Class ids from 11."""
    rng = np.random.default_rng(5)
    paths: list[Path] = []
    boxes: list[Box] = []
    for number in range(count):
        image = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
        for _ in range(0 if number % 4 == 3 else int(rng.integers(1, 4))):
            kind = int(rng.integers(classes))
            side_x, side_y = rng.integers(width // 6, width // 3), rng.integers(height // 6, height // 3)
            x, y = int(rng.integers(0, width - side_x)), int(rng.integers(0, height - side_y))
            image[y : y + side_y, x : x + side_x] = COLOURS[kind % len(COLOURS)]
            boxes.append(
                Box(
                    id=len(boxes) + 1,
                    image_id=number + 1,
                    class_id=11 + kind,
                    x1=x,
                    y1=y,
                    x2=int(x + side_x),
                    y2=int(y + side_y),
                )
            )
        path = folder / f"image{number:03d}.png"
        cv2.imwrite(str(path), image[:, :, ::-1])
        paths.append(path)
    return paths, boxes


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes run folders: ``make_run(images=12, val=3, epochs=2, …config…)``."""

    def make(
        *,
        name: str = "001-reticle-n",
        images: int = 12,
        val: int = 3,
        val_rows: Collection[int] | None = None,
        width: int = 96,
        height: int = 64,
        classes: int = 2,
        labelled: bool = True,
        **settings: Any,
    ) -> RunFolder:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        paths, boxes = draw_images(
            folder / "images", count=images, width=width, height=height, classes=classes
        )
        run = RunFolder(folder)
        held_out = range(val) if val_rows is None else val_rows
        snapshot = Snapshot(
            classes=tuple(
                ObjectClass(id=11 + row, name=f"kind {row}", color="#ff0000") for row in range(classes)
            ),
            images=tuple(
                SnapshotImage(
                    id=row + 1,
                    path=str(path),
                    width=width,
                    height=height,
                    split="val" if row in held_out else "train",
                    status=Status.VERIFIED,
                )
                for row, path in enumerate(paths)
            ),
            ground_truth=ground_truth(boxes if labelled else []),
        )
        snapshot.save(run.snapshot)
        defaults: dict[str, Any] = {
            "model": "reticle-n",
            "minutes": None,
            "epochs": 2,
            "device": "cpu",
            "image_size": 96,
            "batch_size": 4,
            "precision": "fp32",
            "threads": 1,
        }
        if settings.get("minutes") is not None:
            defaults["epochs"] = None
        config = TrainConfig.from_dict({**defaults, **settings})
        run.config.write_text(config.to_json(), encoding="utf-8")
        return run

    return make
