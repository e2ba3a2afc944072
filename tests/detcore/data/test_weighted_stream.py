"""Images that weigh more are drawn more often, and nothing else about the stream changes."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.jobs.settings.augmentation import Augmentation

PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    found: list[Sample] = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.full((32, 32, 3), number, np.uint8))
        nothing = np.zeros((0, 4), np.float32)
        found.append(
            Sample(
                image_id=number, path=str(path), boxes=nothing, labels=np.zeros(0, np.int64), ignore=nothing
            )
        )
    return found


def stream(
    samples: list[Sample], weights: list[float] | None, *, rank: int = 0, world_size: int = 1
) -> TrainStream:
    return TrainStream(
        samples,
        ImageCache(longer_side=32),
        seed=4,
        problem=lambda error: pytest.fail(str(error)),
        rank=rank,
        world_size=world_size,
        weights=None if weights is None else np.array(weights),
    )


def drawn(
    found: TrainStream, *, start: int = 0, count: int, batch_size: int = 1, threads: int = 1
) -> list[str]:
    """The paths of so many images, by their names."""
    batches = found.batches(start=start, batch_size=batch_size, plan=lambda _number: PLAIN, threads=threads)
    paths = [path for batch in islice(batches, count // batch_size) for path in batch.paths]
    batches.close()
    return [Path(path).stem for path in paths]


def test_whole_weights_are_drawn_exactly_that_often_in_each_pass(samples: list[Sample]) -> None:
    weighted = stream(samples, [1, 3, 1, 1, 2, 1])
    assert weighted.pass_length == 9
    first, second = drawn(weighted, count=9), drawn(weighted, start=9, count=9)
    assert Counter(first) == Counter(second) == {"0": 1, "1": 3, "2": 1, "3": 1, "4": 2, "5": 1}
    assert first != second


def test_broken_weights_are_met_on_average_and_no_image_is_left_out_of_a_pass(samples: list[Sample]) -> None:
    weights = [1.0, 1.5, 2.25, 1.0, 1.0, 1.25]
    weighted = stream(samples, weights)
    assert weighted.pass_length == 8
    passes = [Counter(drawn(weighted, start=8 * number, count=8)) for number in range(60)]
    for number, weight in enumerate(weights):
        counts = [one[str(number)] for one in passes]
        assert min(counts) >= int(weight)
        assert max(counts) <= int(weight) + 1
        assert np.mean(counts) == pytest.approx(weight, abs=0.2)


def test_weights_of_one_draw_each_image_once(samples: list[Sample]) -> None:
    assert sorted(drawn(stream(samples, [1.0] * 6), count=6)) == list("012345")


def test_a_weighted_stream_goes_on_exactly_where_another_stopped(samples: list[Sample]) -> None:
    weights = [1.0, 2.5, 1.0, 4.0, 1.0, 1.5]
    whole = drawn(stream(samples, weights), count=36)
    assert drawn(stream(samples, weights), start=10, count=26, batch_size=2, threads=2) == whole[10:]


def test_processes_share_a_weighted_stream_without_overlap(samples: list[Sample]) -> None:
    weights = [1.0, 2.0, 1.0, 4.0, 1.0, 3.0]
    whole = drawn(stream(samples, weights), count=12)
    halves = [drawn(stream(samples, weights, rank=rank, world_size=2), count=6) for rank in (0, 1)]
    assert [halves[number % 2][number // 2] for number in range(12)] == whole


@pytest.mark.parametrize("weights", [[1.0] * 5, [0.5, 1, 1, 1, 1, 1], [float("nan"), 1, 1, 1, 1, 1]])
def test_weights_that_do_not_fit_are_a_bug(samples: list[Sample], weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        stream(samples, weights)
