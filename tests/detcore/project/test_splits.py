"""Dividing images into splits: seeded, by shares, groups together."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detcore.errors import ConfigError
from detcore.project.splits import divide_images, fill_splits, make_splits
from detcore.types import Image

RATIOS = {"train": 0.8, "val": 0.1, "test": 0.1}


def test_shares_are_met_exactly_for_single_images():
    assert Counter(make_splits(range(1, 1001), RATIOS).values()) == {"train": 800, "val": 100, "test": 100}


def test_a_seed_gives_the_same_splits_whatever_the_order_and_another_seed_others():
    first = make_splits(range(100), RATIOS, seed=7)
    assert make_splits(reversed(range(100)), RATIOS, seed=7) == first
    assert make_splits(range(100), RATIOS, seed=8) != first


def test_weights_need_not_add_up_to_one_and_a_weight_of_zero_gets_nothing():
    found = Counter(make_splits(range(30), {"train": 2, "val": 1, "test": 0}).values())
    assert found == {"train": 20, "val": 10}


def test_few_images_leave_no_split_empty():
    assert Counter(make_splits([1, 2, 3], RATIOS).values()) == {"train": 1, "val": 1, "test": 1}
    assert make_splits([5], RATIOS) == {5: "train"}
    assert make_splits([], RATIOS) == {}


@pytest.mark.parametrize("ratios", [{}, {"train": 0}, {"train": -1, "val": 2}, {"train": float("nan")}])
def test_senseless_shares_are_refused(ratios: dict[str, float]):
    with pytest.raises(ConfigError):
        make_splits([1, 2], ratios)


@pytest.mark.parametrize("seed", range(20))
def test_a_few_images_that_matter_are_divided_by_the_shares_for_themselves(seed: int):
    ranks = {image_id: int(image_id > 4) for image_id in range(1, 41)}
    found = make_splits(range(1, 41), RATIOS, seed=seed, ranks=ranks)
    assert Counter(found[image_id] for image_id in range(1, 5)) == {"train": 2, "val": 1, "test": 1}
    assert Counter(found.values()) == {"train": 32, "val": 4, "test": 4}


@pytest.mark.parametrize("seed", range(20))
def test_the_only_image_that_matters_goes_where_most_go(seed: int):
    for count in (2, 3, 10):
        ranks = {image_id: int(image_id != 2) for image_id in range(1, count + 1)}
        found = make_splits(ranks, RATIOS, seed=seed, ranks=ranks)
        assert found[2] == "train"
        assert len(set(found.values())) == min(3, count)


def test_a_group_matters_as_much_as_the_image_of_it_that_matters_most():
    ranks = {1: 1, 2: 0, 3: 1, 4: 1, 5: 1, 6: 1}
    groups = {1: "film", 2: "film"}
    for seed in range(20):
        found = make_splits(ranks, {"train": 0.5, "val": 0.5}, seed=seed, groups=[groups], ranks=ranks)
        assert found[1] == found[2] == "train"


@given(
    groups=st.dictionaries(st.integers(1, 60), st.sampled_from([None, "a", "b", "c", "d"]), min_size=1),
    seed=st.integers(0, 100),
)
def test_groups_stay_together_and_every_image_gets_a_split(groups: dict[int, str | None], seed: int):
    found = make_splits(groups, RATIOS, seed=seed, groups=[groups])
    assert found.keys() == groups.keys()
    by_group: dict[str, set[str]] = {}
    for image_id, group in groups.items():
        if group is not None:
            by_group.setdefault(group, set()).add(found[image_id])
    assert all(len(splits) == 1 for splits in by_group.values())
    bundles = len(by_group) + sum(group is None for group in groups.values())
    assert len(set(found.values())) == min(3, bundles)


def test_filling_leaves_splits_alone_and_a_group_follows_its_split():
    images = [
        Image(id=1, path="1.jpg", split="test", group="film"),
        Image(id=2, path="2.jpg", group="film"),
        Image(id=3, path="3.jpg", split="val"),
        *(Image(id=number, path=f"{number}.jpg") for number in range(4, 14)),
    ]
    found = fill_splits(images, {"train": 0.8, "val": 0.2})
    assert found[2] == "test"
    assert found.keys() == {2, *range(4, 14)}
    assert Counter(found[number] for number in range(4, 14)) == {"train": 8, "val": 2}


def test_dividing_keeps_groups_together_and_takes_no_notice_of_splits():
    images = [Image(id=number, path=f"{number}.jpg", split="test", group="film") for number in (1, 2)]
    images += [Image(id=number, path=f"{number}.jpg") for number in (3, 4)]
    found = divide_images(images, {"train": 1, "val": 1})
    assert found[1] == found[2]
    assert found[3] == found[4] != found[1]


@pytest.mark.parametrize("seed", range(10))
def test_a_rare_class_is_divided_by_the_shares_where_classes_are_given(seed: int):
    """Ten images in a hundred have the rare class: 8, 1 and 1 of them by the shares."""
    classes = {number: {1: 2, 2: 1} if number <= 10 else {1: 2} for number in range(1, 101)}
    found = make_splits(classes, RATIOS, seed=seed, classes=classes)
    assert Counter(found[number] for number in range(1, 11)) == {"train": 8, "val": 1, "test": 1}
    assert Counter(found.values()) == {"train": 80, "val": 10, "test": 10}


def test_boxes_are_divided_rather_than_images_where_classes_are_given():
    """One image has half of all boxes: it is a half of the data."""
    classes = {1: {1: 6}, **{number: {1: 1} for number in range(2, 8)}}
    found = make_splits(classes, {"train": 0.5, "val": 0.5}, classes=classes)
    with_most = found[1]
    assert [found[number] for number in range(2, 8)] == ["val" if with_most == "train" else "train"] * 6


def test_images_hang_together_by_several_groupings():
    by_film, by_place = {1: "a", 2: "a"}, {2: "x", 3: "x", 4: "y"}
    for seed in range(10):
        found = make_splits(range(1, 7), {"train": 0.5, "val": 0.5}, seed=seed, groups=[by_film, by_place])
        assert found[1] == found[2] == found[3]
        assert len(set(found.values())) == 2


def test_filling_follows_an_image_that_hangs_together_by_another_grouping():
    images = [
        Image(id=1, path="a/1.jpg", split="test"),
        Image(id=2, path="a/2.jpg"),
        Image(id=3, path="b/1.jpg"),
    ]
    found = fill_splits(images, {"train": 1}, groups={1: "a", 2: "a", 3: "b"})
    assert found == {2: "test", 3: "train"}
