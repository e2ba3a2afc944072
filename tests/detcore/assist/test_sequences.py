"""Which file names count up."""

from __future__ import annotations

from collections.abc import Iterable

from detcore.assist.sequences import find_sequences


def found(paths: Iterable[str]) -> list[list[str]]:
    """The names of each sequence, in the order of its frames."""
    names = list(paths)
    return [[names[row] for row in one.image_ids] for one in find_sequences(range(len(names)), names)]


def numbered(form: str, numbers: Iterable[int]) -> list[str]:
    return [form.format(number) for number in numbers]


def test_numbers_are_counted_not_spelt() -> None:
    names = numbered("clips/img_{}.png", range(1, 13))
    assert found(sorted(names)) == [names]


def test_so_are_numbers_with_zeros_before_them() -> None:
    names = numbered("frame-{:05}.jpg", range(8, 14))
    assert found(reversed(names)) == [names]


def test_four_images_are_no_sequence() -> None:
    assert found(numbered("img_{}.png", range(4))) == []


def test_one_or_two_may_be_missing_and_are_counted_in_the_times() -> None:
    (one,) = find_sequences([70, 71, 72, 73, 74], numbered("f{:03}.png", (1, 2, 4, 5, 8)))
    assert (one.image_ids, one.times) == ((70, 71, 72, 73, 74), (0, 1, 3, 4, 7))


def test_where_three_are_missing_another_sequence_begins() -> None:
    first, second = numbered("f{:03}.png", range(1, 6)), numbered("f{:03}.png", range(9, 15))
    assert found(first + second) == [second, first]


def test_numbers_may_grow_by_any_step_that_stays_the_same() -> None:
    names = numbered("shot_{}_left.bmp", (0, 10, 20, 40, 50, 60))
    (one,) = find_sequences(range(6), names)
    assert one.times == (0, 1, 2, 4, 5, 6)
    assert found(numbered("shot_{}.bmp", (1, 17, 80, 81, 400, 1203))) == []


def test_several_sequences_may_lie_in_one_folder_and_in_several() -> None:
    parts = [
        numbered("day 2/cam1_{:04}.png", range(9)),
        numbered("day 2/cam2_{:04}.png", range(8)),
        numbered("day 3/cam1_{:04}.png", range(7)),
        numbered("day 3/cam1_{:04}.jpg", range(6)),
    ]
    mixed = sorted(name for part in parts for name in part)
    assert found([*mixed, "day 2/notes.png", "12/plan.png"]) == parts


def test_an_image_is_in_the_longest_sequence_that_has_it() -> None:
    names = [f"{scene}_{frame:02}.png" for scene in range(5) for frame in range(6)]
    assert found(names) == [names[6 * scene : 6 * scene + 6] for scene in range(5)]


def test_a_number_may_be_longer_than_machines_count() -> None:
    names = numbered("{}.png", range(2**64 - 2, 2**64 + 4))
    assert found(names) == [names]


def test_a_name_of_endless_digits_is_passed_over() -> None:
    assert found([f"{'9' * 5000}{digit}.png" for digit in range(9)]) == []


def test_digits_of_other_scripts_count() -> None:
    names = [f"صورة_{digit}.png" for digit in "١٢٣٤٥٦"]
    assert found(names[::-1]) == [names]
    assert found([f"x{digit}.png" for digit in "²³¹⁴⁵⁶"]) == []  # powers are no digits


def test_numbers_of_folders_and_endings_and_names_without_any_say_nothing() -> None:
    assert found([*numbered("{}/shot.png", range(9)), "a.png", "b.png", ""]) == []
    assert found(numbered("shot.mp{}", range(9))) == []
    assert found([]) == []
