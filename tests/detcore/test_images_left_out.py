"""Images whose files cannot be read, or are others than were labelled, are learnt from and judged by nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from detcore.jobs import events
from detcore.project.runs import RunFolder, left_out_images, load_detections, predicted_images
from detcore.project.snapshot import Snapshot
from tests.detcore.working import work_here

MakeRun = Callable[..., RunFolder]


def test_images_that_cannot_be_read_or_are_others_now_are_not_counted_as_looked_at(make_run: MakeRun) -> None:
    run = make_run(images=6, val=2, epochs=1, predict_after=False)
    work_here("train", str(run.path))
    work_here("predict", str(run.path))
    assert predicted_images(run) == {1, 2, 3, 4, 5, 6}
    Path(Snapshot.load(run.snapshot).images[0].path).write_bytes(b"no image")
    scaled = Path(Snapshot.load(run.snapshot).images[1].path)
    cv2.imwrite(str(scaled), np.zeros((32, 48, 3), np.uint8))  # of 96×64 when it was labelled
    _, heard = work_here("predict", str(run.path))
    assert predicted_images(run) == {3, 4, 5, 6}
    assert left_out_images(run) == {1, 2}
    assert not {1, 2} & set(load_detections(run).image_ids.tolist())
    told = [event.text for event in heard if isinstance(event, events.Log) and "Left out" in event.text]
    assert ["image000.png" in text for text in told] == [True, False]
    assert "48×32 now, its boxes were drawn at 96×64" in told[1]


def test_training_leaves_out_an_image_of_another_size_than_its_boxes_were_drawn_at(make_run: MakeRun) -> None:
    run = make_run(images=6, val=2, epochs=1)
    for number in (0, 5):  # one to judge by, one to learn from
        path = Path(Snapshot.load(run.snapshot).images[number].path)
        cv2.imwrite(str(path), np.zeros((128, 192, 3), np.uint8))
    _, heard = work_here("train", str(run.path))
    told = [event.text for event in heard if isinstance(event, events.Log) and "Left out" in event.text]
    assert {Path(text.split()[2].rstrip(":")).name for text in told} == {"image000.png", "image005.png"}
    assert predicted_images(run) == {2, 3, 4, 5}
