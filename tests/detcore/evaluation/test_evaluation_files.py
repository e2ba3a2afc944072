"""Reading COCO's files: what is taken, what is refused and how the fault is named; the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detcore.errors import EvaluationError
from detcore.evaluation.coco_files import read_coco_files
from detcore.evaluation.evaluate import RULES, evaluate_columns, evaluate_files
from detcore.evaluation.flat_json import read_flat_records
from detcore.evaluation.report import format_report
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, random_problem, write_files

WIDTHS = {"image_id": 1, "category_id": 1, "bbox": 4, "score": 1}
TRUTH = coco_dict(
    [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0}],
    images=[1, 2],
    classes=[1],
)
FOUND = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "score": 0.5}


def refused(folder: Path, gt: dict, dt: object) -> str:
    with pytest.raises(EvaluationError) as caught:
        as_files(folder, gt, dt)
    return str(caught.value)


def test_a_detection_of_an_unknown_image_is_refused_by_file_and_index(tmp_path: Path):
    text = refused(tmp_path, TRUTH, [FOUND, {**FOUND, "image_id": 99}])
    assert "dt.json" in text
    assert "detection number 2 is of image 99" in text


def test_detections_of_an_unknown_category_are_left_out_and_counted(tmp_path: Path):
    gt, dt = write_files(tmp_path, TRUTH, [FOUND, {**FOUND, "category_id": 7}, {**FOUND, "category_id": 8}])
    numbers = evaluate_files(gt, dt)
    assert numbers["notes"] == ["2 detections of an unknown category were left out"]
    assert numbers["AP50"] == pytest.approx(1.0)
    assert numbers["det_count"] == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"bbox": [0, 0, 10]}, "bbox that is not four numbers"),
        ({"bbox": [0, 0, 10, "9"]}, "bbox that is not four numbers"),
        ({"bbox": None}, "bbox that is not four numbers"),
        ({"score": "high"}, "score that is not a number"),
        ({"score": float("nan")}, "score that is not a number"),
        ({"score": None}, "score that is not a number"),
        ({"image_id": 1.5}, "image_id that is not a whole number"),
        ({"image_id": True}, "image_id that is not a whole number"),
        ({"category_id": 2**70}, "category_id that is not a whole number"),
    ],
)
def test_a_wrong_value_is_refused_by_index_and_key(tmp_path: Path, change: dict, what: str):
    article = "an" if what.startswith("i") else "a"
    assert f"detection number 2 has {article} {what}" in refused(
        tmp_path, TRUTH, [FOUND, {**FOUND, **change}]
    )


def test_every_record_wrong_in_the_same_way_is_refused_too(tmp_path: Path):
    assert "detection number 1 has an image_id that is not a whole number" in refused(
        tmp_path, TRUTH, [{**FOUND, "image_id": 1.5}] * 3
    )
    assert "detection number 1 has a bbox" in refused(
        tmp_path, TRUTH, [{**FOUND, "bbox": [1, 2, 3, 4, 5]}] * 3
    )


def test_a_missing_key_is_refused_by_index(tmp_path: Path):
    without = {key: value for key, value in FOUND.items() if key != "score"}
    assert "detection number 2 has no score" in refused(tmp_path, TRUTH, [FOUND, without])
    truth = {**TRUTH, "annotations": [TRUTH["annotations"][0], {"id": 7, "image_id": 1, "category_id": 1}]}
    assert "annotation with id 7 has no bbox" in refused(tmp_path, truth, [FOUND])


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize(
    ("image_ids", "found_in"),
    [
        (("1", "2"), 1),
        ((1, 2), "1"),
        (("01", "1"), "01"),
        (("a", "b"), "a"),
        (("9" * 40, "7"), "9" * 40),
        ((2**63 - 1, "x"), 2**63 - 1),
    ],
)
def test_ids_may_be_text_as_in_an_import(tmp_path: Path, image_ids: tuple, found_in: object, flat: bool):
    truth = coco_dict([], images=[1, 2], classes=["7"])
    for image, own in zip(truth["images"], image_ids, strict=True):
        image["id"] = own
    box = {"bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0, "category_id": 7}
    truth["annotations"] = [
        {"id": number, "image_id": own, **box} for number, own in enumerate(image_ids, start=1)
    ]
    found = [{**FOUND, "image_id": found_in, "category_id": 7 if flat else "7"}]
    numbers = evaluate_files(*write_files(tmp_path, truth, found))
    # one of two objects, found without a false one: precision 1 up to a recall of 0.5, so 51 of 101 points
    assert numbers["AP50"] == pytest.approx(51 / 101)
    assert numbers["notes"] == []


def test_an_id_that_could_be_two_is_of_none(tmp_path: Path):
    truth = coco_dict([], images=["01", "001"], classes=[1])
    assert "is of image 1, which" in refused(tmp_path, truth, [FOUND])


def test_a_number_of_thousands_of_digits_is_refused_in_one_line(tmp_path: Path):
    gt, dt = write_files(tmp_path, TRUTH, [FOUND])
    for path in (gt, dt):
        good = path.read_text()
        path.write_text(good.replace('"image_id": 1', f'"image_id": {"9" * 5000}'))
        with pytest.raises(EvaluationError, match=path.name) as caught:
            read_coco_files(gt, dt)
        assert len(str(caught.value)) < 300
        path.write_text(good)


def test_broken_json_is_refused_by_file_and_line(tmp_path: Path):
    gt, dt = write_files(tmp_path, TRUTH, [FOUND])
    dt.write_text('[\n{"image_id": 1,\n"category_id": }]')
    with pytest.raises(EvaluationError, match=r"dt\.json:3: is not JSON"):
        read_coco_files(gt, dt)
    gt.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EvaluationError, match=r"gt\.json: is not JSON"):
        read_coco_files(gt, dt)


def test_a_missing_file_is_refused_by_name(tmp_path: Path):
    gt, _ = write_files(tmp_path, TRUTH, [])
    with pytest.raises(EvaluationError, match=r"nowhere\.json: cannot be read"):
        read_coco_files(gt, tmp_path / "nowhere.json")


@pytest.mark.parametrize("content", [{}, [], 3, {"images": [], "annotations": []}])
def test_what_is_no_ground_truth_is_refused(tmp_path: Path, content: object):
    assert "no COCO ground truth" in refused(tmp_path, content, [FOUND])


@pytest.mark.parametrize("content", [{}, 3, "text", {"annotations": 3}])
def test_what_is_no_list_of_detections_is_refused(tmp_path: Path, content: object):
    assert "a list of detections is expected" in refused(tmp_path, TRUTH, content)


def test_missing_area_and_iscrowd_are_those_of_a_plain_box(tmp_path: Path):
    truth = {**TRUTH, "annotations": [{"id": 5, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 5]}]}
    files = as_files(tmp_path, truth, [])
    assert (files.gt.areas.tolist(), files.gt.crowd.tolist()) == ([20.0], [False])
    assert files.notes == ("1 annotations without area: that of the box was taken",)


def test_annotations_of_unknown_images_are_left_out_and_ids_used_twice_count_each(tmp_path: Path):
    one = TRUTH["annotations"][0]
    truth = {**TRUTH, "annotations": [one, {**one, "image_id": 9}, {**one, "image_id": 2}]}
    numbers = evaluate_files(*write_files(tmp_path, truth, [FOUND]))
    assert numbers["per_class"]["class 1"]["gt_count"] == 2
    assert len(numbers["notes"]) == 2


def numbers_of(record: dict) -> list[float]:
    return [record["image_id"], record["category_id"], *record["bbox"], record["score"]]


number = st.one_of(st.integers(-(2**50), 2**50), st.floats(-1e9, 1e9, allow_nan=False))


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.tuples(*[number] * 7), min_size=1, max_size=5),
    separators=st.sampled_from([None, (",", ":")]),
    indent=st.sampled_from([None, 1]),
    more=st.dictionaries(st.text(max_size=4), st.one_of(number, st.lists(number, max_size=2)), max_size=2),
)
def test_flat_records_read_the_same_numbers_as_json(
    values: list, separators: tuple | None, indent: int | None, more: dict
):
    records = [
        {"image_id": v[0], "category_id": v[1], **more, "bbox": list(v[2:6]), "score": v[6]} for v in values
    ]
    found = read_flat_records(json.dumps(records, separators=separators, indent=indent).encode(), WIDTHS)
    if found is not None:
        table = np.concatenate(
            [found["image_id"], found["category_id"], found["bbox"], found["score"]], axis=1
        )
        np.testing.assert_array_equal(table, [numbers_of(record) for record in records])
    else:
        assert more  # only strange keys may send it to the general reader


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    place=st.integers(0, 10**6),
    cut=st.integers(0, 2),
    put=st.sampled_from(list('0123456789.-+eE,:{}[]" ainx')),
)
def test_a_damaged_list_is_never_read_as_other_numbers(place: int, cut: int, put: str):
    text = json.dumps([{**FOUND, "score": 0.25}, {**FOUND, "image_id": 12, "score": 1e-5}, FOUND])
    place %= len(text)
    text = text[:place] + put + text[place + cut :]
    found = read_flat_records(text.encode(), WIDTHS)
    try:
        records = json.loads(text)
    except json.JSONDecodeError:
        records = None
    if found is None or records is None:
        return
    table = np.concatenate([found["image_id"], found["category_id"], found["bbox"], found["score"]], axis=1)
    np.testing.assert_array_equal(table, [numbers_of(record) for record in records])


@pytest.mark.parametrize("rules", RULES)
def test_numbers_are_json_and_the_report_shows_them(tmp_path: Path, rules: str):
    gt, dt = random_problem(2)
    numbers = evaluate_files(*write_files(tmp_path, gt, dt), rules=rules)
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    text = format_report(numbers)
    assert f"{numbers['AP50']:.4f}" in text
    assert "class 3" in text
    # a class without ground truth has no number
    assert [line for line in text.splitlines() if line.startswith("class 7")][0].split()[2] == "–"


def test_columns_give_the_numbers_of_their_files(tmp_path: Path):
    gt, dt = random_problem(6)
    files = as_files(tmp_path, gt, dt)
    numbers = evaluate_columns(files.gt, files.dets, image_ids=files.image_ids, classes=files.classes)
    of_files = evaluate_files(*write_files(tmp_path, gt, dt))
    assert numbers["AP"] == pytest.approx(of_files["AP"], abs=1e-3)
    assert numbers["gt_count"] == of_files["gt_count"] == 400


def test_two_classes_of_one_name_are_told_apart(tmp_path: Path):
    gt, dt = random_problem(2)
    gt["categories"] = [{"id": c["id"], "name": "cat"} for c in gt["categories"][:2]]
    numbers = evaluate_files(*write_files(tmp_path, gt, dt))
    assert sorted(numbers["per_class"]) == ["cat (1)", "cat (2)"]
