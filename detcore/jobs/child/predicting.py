"""What the best weights of a run find on images, looked at by all processes of a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag

import numpy as np
import torch

from detcore.data.samples import Sample, make_samples
from detcore.errors import ImageError
from detcore.evaluation.label_answers import AnswerRecorder
from detcore.inference.predictor import Predictor, best_checkpoint
from detcore.jobs import events
from detcore.jobs.child.handing import hand_weights
from detcore.jobs.config import TrainConfig
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import (
    RunFolder,
    left_out_images,
    load_answers,
    load_detections,
    predicted_images,
    save_detections,
)
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.telling import Telling
from detcore.types import Detections, IntArray, LabelAnswers
from detcore.zoo.checkpoint import Checkpoint
from detcore.zoo.running import OutOfMemoryError, choose_device

_REHEARSED, _REHEARSAL, _REHEARSAL_SHARE = 8, 2.0, 0.01
"""Images at most that a prediction is tried on, seconds for that, and their greatest share of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the weights of a step found and answered on the images ``looked_at``; the files of those ``left_out`` could not
    be read. Both are image ids."""

    detections: Detections
    answers: LabelAnswers
    step: int
    looked_at: frozenset[int]
    left_out: frozenset[int]


def detect(
    run: RunFolder, snapshot: Snapshot, *, device: str, group: Group, telling: Telling, flags: StopFlags
) -> Found | None:
    """Detections of the run's best weights on all images of the snapshot, each image looked at by one of the
    processes, in the order of the images; ``None`` when stopped. All but the leader know only their own part.

    The result is that of one process: what lies in a batch together, which is padded to its largest
    image, stays together.

    Raises:
        OutOfMemoryError: in all processes, when one image at a time is too much for one of them.
    """
    hand_weights(group, run)
    samples = make_samples(snapshot, snapshot.images)

    def work(unwanted: Flag) -> Found | None:
        def go_on() -> bool:
            return not (flags.stop.is_set() or unwanted.is_set())

        return _own_part(run, snapshot, samples, device=device, group=group, telling=telling, go_on=go_on)

    try:
        own = group.each(work)
    except OutOfMemoryError:  # in all of them
        telling.share()
        raise
    telling.share()
    (stopped,) = group.highest(float(own is None))
    if stopped or own is None:
        return None
    if group.world_size == 1:
        return own
    parts = group.collect(_packed(own))
    order = [sample.image_id for sample in samples]
    return _joined(parts, order, step=own.step) if group.leads else own


def _own_part(
    run: RunFolder,
    snapshot: Snapshot,
    samples: Sequence[Sample],
    *,
    device: str,
    group: Group,
    telling: Telling,
    go_on: Callable[[], bool],
) -> Found | None:
    """What this process finds, on its share of the samples; ``None`` when ``go_on`` said no."""
    predictor = Predictor(best_checkpoint(run), choose_device(device, local_rank=group.local_rank))
    unread: set[str] = set()

    def problem(error: ImageError) -> None:
        unread.add(error.path or "")
        telling.problem(error)

    def progress(done: int, _total: int) -> bool:
        done_by_all = min(done * group.world_size, len(samples))
        telling.emit(events.Progress(done=done_by_all, total=len(samples), text="Predicting"))
        return go_on()

    recorder = AnswerRecorder(
        snapshot.ground_truth,
        image_ids=[image.id for image in snapshot.images],
        class_ids=predictor.class_ids,
    )
    own = share_of(samples, group, at_once=predictor.batch_size)
    detections = predictor.predict(own, problem=problem, progress=progress, hear=recorder.hear)
    if detections is None:
        return None
    left_out = frozenset(sample.image_id for sample in own if sample.path in unread)
    return Found(
        detections=detections,
        answers=recorder.answers(),
        step=predictor.step,
        looked_at=frozenset(sample.image_id for sample in own) - left_out,
        left_out=left_out,
    )


def rehearse(checkpoint: Checkpoint, device: torch.device, snapshot: Snapshot) -> float:
    """Seconds that ``detect`` takes for an image, tried on some that lie evenly among those of the snapshot; 0 where it
    cannot be tried. It takes two seconds, or a hundredth of a run that is given less than that in minutes, unless one
    image takes longer."""
    places = np.linspace(0, len(snapshot.images) - 1, _REHEARSED).astype(np.int64)
    rows: list[int] = np.unique(places).tolist()
    samples = make_samples(snapshot, [snapshot.images[row] for row in rows])
    minutes = TrainConfig.from_dict(checkpoint.config).learning.minutes
    within = _REHEARSAL if minutes is None else min(_REHEARSAL, _REHEARSAL_SHARE * 60 * minutes)
    try:
        # A detector draws its first weights, whatever it is given then.
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
            predictor = Predictor(checkpoint, device)
        return predictor.seconds_per_image(samples, within=within)
    except OutOfMemoryError:  # which the prediction will tell itself
        return 0.0


def share_of(samples: Sequence[Sample], group: Group, *, at_once: int) -> list[Sample]:
    """What this process looks at: of the batches of ``at_once`` samples every ``world_size``-th."""
    starts = range(group.rank * at_once, len(samples), group.world_size * at_once)
    return [sample for start in starts for sample in samples[start : start + at_once]]


def _packed(found: Found) -> bytes:
    """As the file of a run's detections."""
    with TemporaryDirectory(prefix="reticle-") as folder:
        run = RunFolder(Path(folder))
        save_detections(
            run,
            found.detections,
            image_ids=found.looked_at,
            left_out=found.left_out,
            answers=found.answers,
        )
        return run.detections.read_bytes()


def _unpacked(content: bytes, *, step: int) -> Found:
    with TemporaryDirectory(prefix="reticle-") as folder:
        run = RunFolder(Path(folder))
        run.detections.write_bytes(content)
        return Found(
            detections=load_detections(run),
            answers=load_answers(run) or LabelAnswers.empty(),
            step=step,
            looked_at=frozenset(predicted_images(run)),
            left_out=frozenset(left_out_images(run)),
        )


def _joined(contents: Sequence[bytes], order: Sequence[int], *, step: int) -> Found:
    """What all have found, image by image as they are in ``order``."""
    parts = [_unpacked(content, step=step) for content in contents]
    detections = Detections.joined([part.detections for part in parts])
    answers = LabelAnswers.joined([part.answers for part in parts])
    place = {image_id: row for row, image_id in enumerate(order)}

    def rows(image_ids: IntArray) -> IntArray:
        return np.argsort([place[image_id] for image_id in image_ids.tolist()], kind="stable")

    return Found(
        detections=detections.take(rows(detections.image_ids)),
        answers=answers.take(rows(answers.image_ids)),
        step=step,
        looked_at=frozenset[int]().union(*(part.looked_at for part in parts)),
        left_out=frozenset[int]().union(*(part.left_out for part in parts)),
    )
