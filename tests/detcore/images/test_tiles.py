"""Which tiles cover an image, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detcore.images.tiles import Tile, Tiling


def edges(tiles: tuple[Tile, ...]) -> list[tuple[int, int, int, int]]:
    return [(tile.left, tile.top, tile.right, tile.bottom) for tile in tiles]


def test_an_image_that_is_no_larger_than_a_tile_is_one() -> None:
    tiling = Tiling(side=400, overlap=100)
    assert tiling.cover(width=400, height=300, image_size=400) == (
        Tile(left=0, top=0, right=400, bottom=300),
    )


def test_tiles_that_fit_exactly_share_what_they_are_to() -> None:
    tiles = Tiling(side=400, overlap=100).cover(width=1000, height=400, image_size=400)
    assert edges(tiles) == [(0, 0, 400, 400), (300, 0, 700, 400), (600, 0, 1000, 400)]
    assert [tile.shared for tile in tiles] == [(0, 0, 100, 0), (100, 0, 100, 0), (100, 0, 0, 0)]


def test_tiles_that_do_not_fit_lie_evenly_and_none_is_a_sliver() -> None:
    # 1100 needs four of 400 that share 100; (1100 - 400) / 3 = 233.3 from one to the next
    tiles = Tiling(side=400, overlap=100).cover(width=400, height=1100, image_size=400)
    assert edges(tiles) == [(0, 0, 400, 400), (0, 233, 400, 633), (0, 466, 400, 866), (0, 700, 400, 1100)]
    assert [tile.shared for tile in tiles] == [
        (0, 0, 0, 167),
        (0, 167, 0, 167),
        (0, 167, 0, 166),
        (0, 166, 0, 0),
    ]


def test_tiles_are_of_the_original_and_lie_in_the_resized_image() -> None:
    # tiles of 640 seen at 320: an image of 2000 is 1000 long, and what they share is 100 there
    tiling = Tiling(side=640, overlap=200)
    assert tiling.scale(320) == 0.5
    assert edges(tiling.cover(width=1000, height=320, image_size=320)) == [
        (0, 0, 320, 320),
        (170, 0, 490, 320),
        (340, 0, 660, 320),
        (510, 0, 830, 320),
        (680, 0, 1000, 320),
    ]


def test_rows_follow_one_another_and_the_last_tile_is_known() -> None:
    tiles = Tiling(side=400, overlap=100).cover(width=700, height=700, image_size=400)
    assert edges(tiles) == [(0, 0, 400, 400), (300, 0, 700, 400), (0, 300, 400, 700), (300, 300, 700, 700)]
    assert [tile.is_last(width=700, height=700) for tile in tiles] == [False, False, False, True]
    assert tiles[3].shared == (100, 100, 0, 0)


@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    image_size=st.sampled_from([64, 320, 640]),
    side=st.integers(64, 1500),
    share=st.floats(0, 0.5),
)
def test_every_stretch_as_long_as_the_overlap_is_whole_in_a_tile(
    width: int, height: int, image_size: int, side: int, share: float
) -> None:
    tiling = Tiling(side=side, overlap=int(side * share))
    tiles = tiling.cover(width=width, height=height, image_size=image_size)
    shared = min(int(tiling.overlap * tiling.scale(image_size)), image_size // 2)
    for length, spans in (
        (width, {(tile.left, tile.right) for tile in tiles}),
        (height, {(tile.top, tile.bottom) for tile in tiles}),
    ):
        assert {end - begin for begin, end in spans} == {min(length, image_size)}
        assert min(spans)[0] == 0
        assert max(spans)[1] == length
        for begin in range(0, max(1, length - shared + 1), 7):
            end = min(begin + shared, length)
            assert any(first <= begin and end <= last for first, last in spans)


def test_tiles_overlap_by_half_at_most() -> None:
    with pytest.raises(ValueError, match="cannot overlap by 201"):
        Tiling(side=400, overlap=201)
