"""When a training looks at tiles."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.errors import ConfigError
from detcore.images.tiles import Tiling
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling, tiling_text
from detcore.jobs.settings.learning import Learning
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.types import Box, ObjectClass, Status
from tests.columns import ground_truth


def config(tiles: str = "auto", image_size: int | None = None) -> TrainConfig:
    return TrainConfig(learning=Learning(tiles=tiles, image_size=image_size))


def sizes(lengths: list[float], image: float) -> ObjectSizes:
    sides = np.array(lengths, np.float64)[:, None].repeat(2, axis=1)
    return ObjectSizes(sides=sides, frames=np.full(sides.shape, image))


@pytest.mark.parametrize(
    ("lengths", "image"),
    [
        ([38.0] * 7 + [105.0] * 80 + [200.0] * 8, 640),  # blood cells
        ([70.0] * 50 + [140.0] * 50, 416),  # playing cards
        ([6.0] * 100, 900),  # tiny, but the image is not three times 320
        ([80.0] * 100, 1600),  # 16 pixels at 320
        ([400.0] * 100, 4000),  # a large image of large things
        ([], 4000),
    ],
)
def test_ordinary_sets_have_no_tiles(lengths: list[float], image: float) -> None:
    assert choose_tiling(config(), sizes(lengths, image)) is None


def test_small_objects_of_large_images_are_made_24_pixels_long() -> None:
    # 48 of 4000 would be 4 at 320; at half size they are 24, and 640 become 320
    tiling = choose_tiling(config(), sizes([48.0] * 100, 4000))
    # an eighth of 640 are 80; 48 and twice 4 pixels at half size and one make 65
    assert tiling == Tiling(side=640, overlap=80)
    # at 640 it takes a tile of twice the side
    assert choose_tiling(config(image_size=640), sizes([48.0] * 100, 4000)) == Tiling(side=1280, overlap=160)


def test_no_image_is_enlarged_more_than_twice() -> None:
    assert choose_tiling(config(), sizes([5.0] * 100, 4000)) == Tiling(side=160, overlap=20)


def test_tiles_grow_until_the_longest_object_is_whole_in_one() -> None:
    # 300 have to fit into half a tile, less twice 4 of 320 pixels and one: 301 / (1/2 - 8/320) = 633.7
    mixed = sizes([30.0] * 60 + [300.0] * 40, 6000)
    assert choose_tiling(config(), mixed) is None  # 30 would be 15 pixels at 640 / 320
    mixed = sizes([36.0] * 60 + [300.0] * 40, 6000)
    # 300 and twice 4 pixels at half size and one
    assert choose_tiling(config(), mixed) == Tiling(side=640, overlap=317)


def test_tiles_as_asked_for_or_none() -> None:
    small = sizes([48.0] * 100, 4000)
    assert choose_tiling(config("off"), small) is None
    assert choose_tiling(config("800"), small) == Tiling(side=800, overlap=100)
    # half a tile is the most that they share
    assert choose_tiling(config("400"), sizes([300.0] * 10, 4000)) == Tiling(side=400, overlap=200)
    assert choose_tiling(config("400"), sizes([], 0)) == Tiling(side=400, overlap=50)


@pytest.mark.parametrize("tiles", ["", "on", "63", "16385", "-5", "1e3", "٣٢٠"])
def test_other_words_are_no_tiles(tiles: str) -> None:
    with pytest.raises(ConfigError, match="tiles"):
        config(tiles)


def test_what_is_said_names_what_is_too_long() -> None:
    objects = sizes([40.0] * 97 + [90.0] * 3, 4000)
    text = tiling_text(Tiling(side=640, overlap=80), objects, image_size=320)
    assert "tiles of 640 pixels, 80 of them" in text
    assert "20 pixels long for the detector there; in whole images it would be 3" in text
    assert "3 boxes are longer" in text
    assert "longer than" not in tiling_text(Tiling(side=640, overlap=100), objects, image_size=320)


def test_sizes_are_those_of_boxes_that_are_learnt_from() -> None:
    def box(number: int, image: int, side: float, **flags: bool) -> Box:
        return Box(id=number, image_id=image, class_id=5, x1=0, y1=0, x2=side, y2=side / 4, **flags)

    def image(number: int, split: str | None, width: int | None = 3000) -> SnapshotImage:
        return SnapshotImage(
            id=number, path=f"{number}.png", width=width, height=2000, split=split, status=Status.VERIFIED
        )

    snapshot = Snapshot(
        classes=(ObjectClass(id=5, name="a", color="#000000"),),
        images=(image(1, "train"), image(2, "val"), image(3, None, None), image(4, None)),
        ground_truth=ground_truth(
            [box(1, 1, 8), box(2, 1, 100, crowd=True), box(3, 2, 200), box(4, 3, 300), box(5, 4, 40)]
        ),
    )
    objects = ObjectSizes.of(snapshot)
    assert objects.lengths.tolist() == [8, 40]
    assert objects.sizes.tolist() == [4, 20]
    assert objects.images.tolist() == [3000, 3000]
