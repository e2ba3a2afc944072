"""What a run learns from and is judged by: its images, split, in tiles or whole, and drawn how often."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path

from detcore.curation.lesson import Lesson
from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.passes import TilePasses
from detcore.data.samples import Sample, Split, split_samples, why_low_figure, why_no_figure
from detcore.data.teaching import taught
from detcore.data.tiles import TileSamples, cut_samples
from detcore.errors import ConfigError
from detcore.images.tiles import Tiling
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling, tiling_text
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.draw_weights import draw_weights
from detcore.training.load import Load
from detcore.training.telling import Telling
from detcore.wording import counted
from detcore.zoo.checkpoint import Checkpoint


class RunData:
    """The images of a run, as its settings say; what they make of them is told.

    ``split`` has the labels alone, ``learnt`` what a teacher adds to them. ``no_figure`` says why the run can have no figure;
    "" when it can. ``tiling`` is the one that the run began with,
    whatever the defaults are by now.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        config: TrainConfig,
        checkpoint: Checkpoint | None,
        telling: Telling,
        *,
        lesson: Lesson | None = None,
        split: Split | None = None,
    ) -> None:
        """``lesson`` is what a teacher has found. Of a ``split`` that is given, and may grow, nothing is told. Raises
        ConfigError where there is nothing to learn from."""
        self._config = config
        self._telling = telling
        self._tells = split is None
        self._objects = ObjectSizes.of(snapshot)
        self.split = _split(snapshot, config) if split is None else split
        self.learnt = self.split.train if lesson is None else self._taught(snapshot, lesson)
        self.tiling: Tiling | None = (
            choose_tiling(config, self._objects) if checkpoint is None else checkpoint.tiling
        )
        if self.split.note:
            telling.warning(self.split.note)
        self.no_figure = why_no_figure(self.split, [item.name for item in snapshot.classes])
        if not self._tells:
            return
        if self.no_figure:
            telling.warning(
                f"No figure can be made of this run, since {self.no_figure}. Its last weights are kept."
            )
            self._tell_what_waits_in_vain()
        elif note := why_low_figure(self.split.val):
            telling.warning(note)

    def renewed(self, snapshot: Snapshot, split: Split) -> RunData:
        """The same for other images: settings and tiles stay."""
        other = copy(self)
        other.split, other.learnt = split, split.train
        other._objects = ObjectSizes.of(snapshot)
        return other

    def _taught(self, snapshot: Snapshot, lesson: Lesson) -> tuple[Sample, ...]:
        """The images to learn from with what the teacher has found."""
        labelled = self.split.train
        learnt = taught(labelled, snapshot, lesson, weighs=self._config.spec.weighs_scores)
        before, after = (sum(len(sample.labels) for sample in part) for part in (labelled, learnt))
        self._telling.info(
            f"Taught by {self._config.learning.teacher}: {counted(after - before, 'object')} beside the labels, "
            f"and {counted(len(learnt) - len(labelled), 'image')} without any."
        )
        return learnt

    def _tell_what_waits_in_vain(self) -> None:
        """Of the settings those that go by figures, in a run that has none."""
        idle: list[str] = []
        if self._config.recipe.schedule == "plateau":
            idle.append("the course Plateau never lowers the learning rate")
        if self._config.optimisation.stop_after is not None:
            idle.append("Stop after never ends the training")
        if idle:
            self._telling.warning(
                f"Without a figure {' and '.join(idle)}. Label images of the val split, or leave these settings alone."
            )

    @property
    def pass_length(self) -> int:
        """About how many images or tiles a pass has, before any is read."""
        return len(self.learnt) if self.tiling is None else _tile_count(self.learnt, self.tiling)

    def cache(self, load: Load, group: Group) -> ImageCache:
        """The images as they are learnt and judged, in memory as far as there is room."""
        return ImageCache(
            longer_side=load.image_size,
            rule=self._config.spec.input,
            tiling=self.tiling,
            processes=group.local_world_size,
        )

    def views(self, cache: ImageCache) -> Sequence[Sample] | TileSamples:
        """What is drawn in a pass: the images, or their tiles."""
        if self.tiling is None:
            return self.learnt
        return cut_samples(self.learnt, cache, problem=self._telling.problem)

    def stream(
        self, views: Sequence[Sample] | TileSamples, cache: ImageCache, *, emphasis: Path, group: Group
    ) -> TrainStream:
        """The views, drawn without end; ``emphasis`` is the file with the errors of an earlier run.

        Raises:
            ConfigError: these errors are wanted, and not there.
        """
        stream = TrainStream(
            views,
            cache,
            seed=self._config.runtime.seed,
            problem=self._telling.problem,
            rank=group.rank,
            world_size=group.world_size,
            weights=draw_weights(
                self.learnt,
                self._config.learning,
                emphasis=emphasis,
                say=self._telling.info,
                tiles=views if isinstance(views, TileSamples) else None,
            ),
            smallest_batch=self._config.recipe.smallest_batch,
            paint_ignored=not self._config.spec.masks_ignored,
        )
        if self._tells and self.tiling is not None and isinstance(stream.passes, TilePasses):
            about = tiling_text(self.tiling, self._objects, image_size=cache.longer_side)
            self._telling.info(f"{about} Each is seen at {cache.longer_side} pixels. {stream.passes.text()}")
        return stream


def _tile_count(samples: Sequence[Sample], tiling: Tiling) -> int:
    """About how many tiles the images have; those without boxes are counted as one."""
    return sum(
        len(tiling.cover(width=sample.frame[0], height=sample.frame[1], image_size=tiling.side))
        if sample.frame
        else 1
        for sample in samples
    )


def _split(snapshot: Snapshot, config: TrainConfig) -> Split:
    if not snapshot.classes:
        raise ConfigError("the project has no classes", hint="Label some boxes first")
    split = split_samples(snapshot, seed=config.runtime.seed, difficult=config.learning.difficult_boxes)
    if not any(len(sample.labels) for sample in split.train):
        raise ConfigError(
            "there are no labelled training images",
            hint="Label some, or move images from the validation and test splits to train",
        )
    return split
