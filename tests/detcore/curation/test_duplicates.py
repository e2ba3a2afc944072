"""Near-duplicate images: found after the changes that files go through, told from pictures that are only alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detcore.cli import main
from detcore.curation.descriptors import Descriptors, describe, describe_files, perceptual_hash
from detcore.curation.duplicates import (
    as_record,
    connected,
    find_duplicates,
    hash_pairs,
    leaks_by_splits,
    near_pairs,
)
from detcore.errors import Cancelled
from detcore.project.edits import set_split
from detcore.project.project import Project

Picture = NDArray[np.uint8]


def picture(seed: int, *, width: int = 320, height: int = 240) -> Picture:
    """Soft blobs on a slope of grey, RGB."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def jpeg(image: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def brighter(image: Picture) -> Picture:
    return np.clip(image.astype(np.float64) * 0.9 + 20, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: jpeg(image, 40),
        lambda image: cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA),
        lambda image: cv2.resize(image, (700, 525)),
        brighter,
        lambda image: image[2:-2, 2:-2],
        lambda image: cv2.GaussianBlur(image, (7, 7), 0),
    ],
    ids=["same", "jpeg", "smaller", "larger", "brighter", "cropped", "blurred"],
)
def test_a_changed_copy_is_found_among_other_pictures(
    tmp_path: Path, change: Callable[[Picture], Picture]
) -> None:
    pictures = [picture(seed) for seed in range(12)]
    pictures.append(change(pictures[4]))
    for number, image in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    files = [(100 + number, tmp_path / f"{number}.png") for number in range(len(pictures))]
    rows, bits, correlation = near_pairs(describe_files(files))
    assert rows.tolist() == [[4, 12]]
    assert 0 <= bits[0] <= 10
    assert 0.95 <= correlation[0] <= 1.0 + 1e-6


def test_the_hash_is_that_of_the_formula_written_out() -> None:
    grey = np.random.default_rng(3).integers(0, 256, (32, 32), dtype=np.uint8)
    n = np.arange(32)
    basis = np.cos(np.pi * (2 * n[None, :] + 1) * n[:, None] / 64)
    basis *= np.where(n == 0, np.sqrt(1 / 32), np.sqrt(2 / 32))[:, None]
    spectrum = basis @ grey @ basis.T
    values = [spectrum[row, column] for row in range(8) for column in range(8)]
    values[0] = spectrum[0, 8]
    middle = sorted(values)
    median = (middle[31] + middle[32]) / 2
    expected = sum(1 << place for place, value in enumerate(values) if value > median)
    assert int(perceptual_hash(grey)) == expected
    assert expected.bit_count() == 32


def test_pairs_of_hashes_are_those_of_comparing_each_with_each() -> None:
    rng = random.Random(5)
    hashes = [rng.getrandbits(64) for _ in range(300)]
    for _ in range(60):
        changed = hashes[rng.randrange(len(hashes))]
        for _ in range(rng.randrange(12)):
            changed ^= 1 << rng.randrange(64)
        hashes.append(changed)
    expected = {
        (one, other): (hashes[one] ^ hashes[other]).bit_count()
        for other in range(len(hashes))
        for one in range(other)
        if (hashes[one] ^ hashes[other]).bit_count() <= 7
    }
    ((_, rows, bits),) = hash_pairs(np.array(hashes, np.uint64), most_bits=7)
    assert len(expected) > 30
    assert dict(zip(map(tuple, rows.tolist()), bits.tolist(), strict=True)) == expected
    assert len(rows) == len(expected)


def test_pairs_are_the_same_in_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**20, 500).astype(np.uint64)
    ((_, whole, _),) = hash_pairs(hashes, most_bits=3)
    monkeypatch.setattr("detcore.curation.duplicates._BLOCK", 1700)
    blocks = list(hash_pairs(hashes, most_bits=3))
    assert [done for done, _, _ in blocks][-2:] == [
        498,
        500,
    ]  # three rows of 500 at a time, then the last two
    parts = np.concatenate([rows for _, rows, _ in blocks])
    assert parts.tolist() == whole.tolist()


def described(grey: Picture) -> Descriptors:
    """Images of those (N, 32, 32) grey values, all with the same hash."""
    count = len(grey)
    return Descriptors(
        image_ids=np.arange(count),
        hashes=np.full(count, 0xABCD, np.uint64),
        grey=grey,
        features=np.zeros((count, 32)),
    )


def noise(count: int) -> Picture:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32), dtype=np.uint8)


def test_thousands_of_equal_images_are_one_group_of_few_pairs() -> None:
    rows, bits, correlation = near_pairs(described(np.repeat(noise(1), 3000, axis=0)))
    # 20 pairs for each but the last 20, which have 19, 18 … 0
    assert len(rows) == 2980 * 20 + sum(range(20))
    assert not bits.any()
    assert correlation == pytest.approx(1.0, abs=1e-5)
    assert connected(rows) == [list(range(3000))]
    assert [2999, 2998] not in rows.tolist()
    assert [0, 1] in rows.tolist()


def test_a_copy_is_found_behind_many_pictures_of_the_same_hash() -> None:
    grey = noise(32)
    grey[-1] = grey[0]
    rows, _, _ = near_pairs(described(grey))
    assert rows.tolist() == [[0, 31]]


def test_of_copies_behind_other_pictures_the_first_twenty_count() -> None:
    grey = noise(130)
    copies = range(30, 130, 2)
    grey[list(copies)] = grey[0]
    rows, _, _ = near_pairs(described(grey))
    assert rows[rows[:, 0] == 0, 1].tolist() == list(copies)[:20]
    assert connected(rows) == [[0, *copies]]


def test_correlating_can_be_cancelled_within_a_block() -> None:
    calls: list[int] = []
    with pytest.raises(Cancelled):
        near_pairs(described(noise(200)), progress=lambda done, _total: calls.append(done) or len(calls) < 2)
    assert len(calls) == 2


def test_no_images_have_no_pairs() -> None:
    rows, bits, correlation = near_pairs(describe_files([]))
    assert (rows.shape, len(bits), len(correlation)) == ((0, 2), 0, 0)


def test_flat_pictures_are_alike_by_their_brightness_alone(tmp_path: Path) -> None:
    for name, level in (("a", 20), ("b", 22), ("c", 200)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((60, 80, 3), level, np.uint8))
    rows, _, _ = near_pairs(describe_files([(n, tmp_path / f"{name}.png") for n, name in enumerate("abc")]))
    assert rows.tolist() == [[0, 1]]


def test_what_hangs_together_is_one_group() -> None:
    pairs = np.array([[9, 4], [1, 2], [4, 7], [20, 21], [7, 30]])
    assert connected(pairs) == [[4, 7, 9, 30], [1, 2], [20, 21]]


def test_features_tell_colours_and_directions_of_the_quarters() -> None:
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = 255
    _, _, features = describe(stripes)
    quarters = features.reshape(4, 8)
    # vertical stripes: gradients along x alone, that is in the first of four directions
    assert (quarters[:, 4] > 10 * quarters[:, 5:].max()).all()
    _, _, turned = describe(np.ascontiguousarray(stripes.transpose(1, 0, 2)))
    assert (turned.reshape(4, 8)[:, 6] > 10 * turned.reshape(4, 8)[:, [4, 5, 7]].max()).all()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """a and b are one picture in train and test, c and d another in train, e is alone, f is broken."""
    for name, seed in {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3}.items():
        cv2.imwrite(
            str(tmp_path / f"{name}.jpg"), picture(seed), [cv2.IMWRITE_JPEG_QUALITY, 90 - ord(name) % 30]
        )
    (tmp_path / "f.jpg").write_bytes(b"no picture")
    names = [f"{name}.jpg" for name in "abcdef"]
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=names) as project:
        splits = dict(zip(project.image_ids(), ["train", "test", "train", "train", "val", None], strict=True))
        project.edit(set_split, splits)
    return project


def test_pairs_across_splits_are_leaks_and_come_first(project: Project) -> None:
    with Project.open(project.folder, read_only=True) as opened:
        found = find_duplicates(opened)
    assert [(pair.first.path, pair.second.path, pair.leaks) for pair in found.pairs] == [
        ("a.jpg", "b.jpg", True),
        ("c.jpg", "d.jpg", False),
    ]
    assert leaks_by_splits(found.pairs) == {("test", "train"): 1}
    assert found.images == 5
    assert [problem.path for problem in found.problems] == [str(project.folder.parent / "f.jpg")]
    record = as_record(found)
    assert record["leaks"] == 1
    assert record["groups"] == [["a.jpg", "b.jpg"], ["c.jpg", "d.jpg"]]


def test_it_can_be_cancelled(project: Project) -> None:
    with Project.open(project.folder, read_only=True) as opened, pytest.raises(Cancelled):
        find_duplicates(opened, progress=lambda done, _total: done < 3)


def test_the_command_lists_pairs_and_leaks(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pairs.json"
    assert main(["duplicates", str(project.folder), "--json", str(out)]) == 0
    text = capsys.readouterr().out
    assert "a.jpg" in text
    assert "1 pair in both test and train" in text
    assert '"leak": true' in out.read_text()
