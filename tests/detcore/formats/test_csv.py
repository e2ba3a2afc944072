"""Tables of boxes: any headings, delimiters and encodings, and the tables of four tools."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats, detect_format, recognise
from detcore.formats.base import Dataset, ExportOptions, Problem
from detcore.formats.csv.reading import CSV, CsvReading
from detcore.formats.csv.writing import CsvOptions
from tests.detcore.formats.format_samples import box, dataset_of, save_image

HEADINGS = "filename,width,height,class,xmin,ymin,xmax,ymax"


def read(
    folder: Path, *lines: str, name: str = "csv", encoding: str = "utf-8", options: CsvReading | None = None
) -> tuple[Dataset, list[Problem]]:
    """A table about the images ``a.jpg`` and ``b.jpg``, of 100 by 80."""
    for image in ("a.jpg", "b.jpg"):
        save_image(folder / image)
    (folder / "table.csv").write_text("".join(f"{line}\n" for line in lines), encoding=encoding)
    return all_formats()[name].read(folder / "table.csv", options=options)


def found(dataset: Dataset) -> dict[str, list[tuple[object, ...]]]:
    """Class and edges by image."""
    return {
        image.name: [(dataset.classes[item.label].name, *item.xyxy) for item in image.boxes]
        for image in dataset.images
    }


@pytest.mark.parametrize(
    "lines",
    [
        [HEADINGS, "a.jpg,100,80,cat,10,20,30,40"],
        ["filename;width;height;class;xmin;ymin;xmax;ymax", "a.jpg;100;80;cat;10,0;20;30;40"],
        [HEADINGS.replace(",", "\t"), "a.jpg\t100\t80\tcat\t10\t20\t30\t40"],
        ["XMax,YMax,Class Name,Image-Path,x_min,Y min", '30,40,"cat","C:\\old\\a.jpg",10,20'],
        ["image,label,x,y,w,h", "a,cat,10,20,20,20"],
        ["image_id,label,x,y,width,height", "a.jpg,cat,10,20,20,20"],
        ["img,category,x_center,y_center,width,height", "a.jpg,cat,20,30,20,20"],
        ["image,label,left,top,right,bottom", "a.jpg,cat,0.1,0.25,0.3,0.5"],
    ],
)
def test_headings_and_delimiters_of_all_kinds_mean_the_same_box(tmp_path: Path, lines: list[str]):
    dataset, problems = read(tmp_path, *lines)
    assert found(dataset)["a.jpg"] == [("cat", pytest.approx(10), 20, pytest.approx(30), 40)]
    shares = ["all numbers lie between 0 and 1: read as fractions of the image"] if "0.1" in lines[1] else []
    told = [problem.message for problem in problems if "without annotation" not in problem.message]
    assert told == shares
    assert detect_format(tmp_path) == "csv"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "gb2312"])
def test_tables_of_excel_in_any_encoding_are_read(tmp_path: Path, encoding: str):
    dataset, problems = read(tmp_path, HEADINGS, "a.jpg,100,80,猫狗,10,20,30,40", encoding=encoding)
    assert found(dataset)["a.jpg"] == [("猫狗", 10, 20, 30, 40)]
    assert detect_format(tmp_path / "table.csv") == "csv"
    assert any("GB2312" in problem.message for problem in problems) == (encoding == "gb2312")


def test_quotes_hold_delimiters_and_one_that_is_never_closed_costs_one_row(tmp_path: Path):
    lines = [
        HEADINGS,
        'a.jpg,100,80,"cat, ""big""",10,20,30,40',
        'a.jpg,100,80,"dog,1,2,3,4',
        "b.jpg,100,80,cow,5,6,7,8",
    ]
    dataset, problems = read(tmp_path, *lines)
    assert found(dataset) == {"a.jpg": [('cat, "big"', 10, 20, 30, 40)], "b.jpg": [("cow", 5, 6, 7, 8)]}
    assert [(problem.line, problem.message.partition(":")[0]) for problem in problems] == [
        (3, "a quote is not closed")
    ]


def test_each_bad_row_is_told_with_file_and_line_and_the_rest_is_read(tmp_path: Path):
    lines = [
        HEADINGS,
        "a.jpg,100,80,cat,10,20,30,40",
        "a.jpg,100,80,cat,10,x,30,40",
        "a.jpg,100,80,cat,10,20,30",
        "a.jpg,100,80,,10,20,30,40",
        ",100,80,cat,10,20,30,40",
        "a.jpg,100,80,cat,nan,20,30,40",
        "a.jpg,100,80,cat,10,20,1e999,40",
        "b.jpg,100,80,,,,,",
    ]
    dataset, problems = read(tmp_path, *lines)
    assert found(dataset) == {"a.jpg": [("cat", 10, 20, 30, 40)], "b.jpg": []}
    assert [image.verified for image in dataset.images] == [False, True]  # b.jpg has no objects
    assert {(problem.path.name, problem.line) for problem in problems} == {
        ("table.csv", n) for n in range(3, 9)
    }
    said = {problem.line: problem.message for problem in problems}
    assert said[3] == "'x' is no number: left out"
    assert said[4] == "an edge is missing: left out"
    assert said[5] == "a box without a class: left out"
    assert said[6] == "an image without a file name: left out"


def test_columns_that_are_called_otherwise_are_chosen_by_the_user(tmp_path: Path):
    with pytest.raises(FormatError, match=r"begins with filename, cell_type, .*option columns"):
        read(tmp_path, "filename,cell_type,xmin,xmax,ymin,ymax", "a.jpg,WBC,10,30,20,40")
    chosen = CsvReading(columns="class = cell_type")
    dataset, _ = CSV.read(tmp_path / "table.csv", options=chosen)
    assert found(dataset)["a.jpg"] == [("WBC", 10, 20, 30, 40)]
    numbered = CsvReading(columns="file=1,class=2,x1=3,y1=4,x2=5,y2=6")
    dataset, _ = read(tmp_path, "a.jpg,dog,10,20,30,40", options=numbered)
    assert found(dataset)["a.jpg"] == [("dog", 10, 20, 30, 40)]
    for wrong in ("class", "kind=x", "class="):
        with pytest.raises(FormatError, match="not of the form file=HEADING"):
            CSV.read(tmp_path / "table.csv", options=CsvReading(columns=wrong))
    with pytest.raises(FormatError, match="no table of CSV here"):
        CSV.read(tmp_path / "table.csv", options=CsvReading(columns="class=7"))


@pytest.mark.parametrize(
    ("kind", "text"), [("edges", "[10, 20, 30, 40]"), ("sizes", "10 20 20 20"), ("centres", "(20;30;20;20)")]
)
def test_a_column_of_four_numbers_is_read_as_the_user_says_it_is(tmp_path: Path, kind: str, text: str):
    lines = ["image_id,width,height,bbox,label", f'a,100,80,"{text}",cat']
    with pytest.raises(FormatError, match="all four numbers of a box.*option bbox"):
        read(tmp_path, *lines)
    dataset, _ = read(tmp_path, *lines, options=CsvReading(bbox=kind))  # type: ignore[arg-type]
    assert found(dataset)["a.jpg"] == [("cat", 10, 20, 30, 40)]


def test_small_pixels_are_not_taken_for_fractions_where_the_user_or_the_table_says_so(tmp_path: Path):
    row = ["image,label,left,top,right,bottom", "a.jpg,cat,0.1,0.25,0.5,0.75"]
    dataset, _ = read(tmp_path, *row, options=CsvReading(unit="pixels"))
    assert found(dataset)["a.jpg"] == [("cat", 0.1, 0.25, 0.5, 0.75)]
    dataset, _ = read(tmp_path, HEADINGS, "a.jpg,100,80,cat,0.1,0.25,0.5,0.75")
    assert found(dataset)["a.jpg"] == [("cat", 0.1, 0.25, 0.5, 0.75)]
    dataset, _ = read(tmp_path, "image,label,left,top,right,bottom", "a.jpg,cat,0,0,1,1")
    assert found(dataset)["a.jpg"] == [("cat", 0, 0, 1, 1)]


def test_a_table_of_all_beside_those_of_the_splits_brings_no_box_twice(tmp_path: Path):
    save_image(tmp_path / "a.jpg")
    row = "a.jpg,100,80,cat,10,20,30,40\n"
    (tmp_path / "all_labels.csv").write_text(f"{HEADINGS}\n{row}{row}")
    (tmp_path / "test_labels.csv").write_text(f"{HEADINGS}\n{row}")
    dataset, problems = CSV.read(tmp_path)
    assert found(dataset) == {"a.jpg": [("cat", 10, 20, 30, 40)]}
    assert dataset.images[0].split == "test"
    assert [problem.message for problem in problems] == [
        "2 rows repeat those of another table here: taken once"
    ]


def test_a_box_drawn_before_the_rotation_is_turned_with_its_image(tmp_path: Path):
    """Stored 100 wide and 80 high, shown turned to the right: what was at the bottom is left."""
    save_image(tmp_path / "a.jpg", orientation=6)
    (tmp_path / "t.csv").write_text(f"{HEADINGS}\na.jpg,100,80,cat,10,20,30,40\n")
    dataset, _ = CSV.read(tmp_path)
    assert found(dataset) == {"a.jpg": [("cat", 40, 10, 60, 30)]}


def test_columns_and_flags_that_came_in_go_out(tmp_path: Path):
    lines = [
        f"{HEADINGS},occluded,Mood,score",
        "a.jpg,100,80,cat,10,20,30,40,1,sad,0.50",
        "b.jpg,100,80,dog,1,2,3,4,0,,",
    ]
    dataset, problems = read(tmp_path / "in", *lines)
    assert problems == []
    report = CSV.write(dataset, tmp_path / "out")
    assert report.losses == ()
    rows = list(csv.DictReader((tmp_path / "out/labels.csv").read_text().splitlines()))
    assert rows == list(csv.DictReader(lines))
    shown = {"csv": {"Mood": "sad\nagain", "xmax": "7", "image": "x", "": "y"}}
    boxes = [dataclasses.replace(dataset.images[0].boxes[0], extra=shown)]
    dataset = dataclasses.replace(dataset, images=[dataclasses.replace(dataset.images[0], boxes=boxes)])
    report = CSV.write(dataset, tmp_path / "other")
    assert report.losses == ("2 columns kept from an import with a heading that means something else here.",)
    (row,) = csv.DictReader((tmp_path / "other/labels.csv").read_text().splitlines())
    assert (row["Mood"], row["xmax"], row["image"]) == ("sad again", "30", "x")


@pytest.mark.parametrize("delimiter", ["comma", "semicolon", "tab"])
@pytest.mark.parametrize("layout", ["tensorflow", "roboflow"])
def test_every_layout_and_delimiter_reads_back(tmp_path: Path, layout: str, delimiter: str):
    boxes = {"a.jpg": [box(0, 10, 20, 30, 40.5)], "b.jpg": []}
    dataset = dataset_of(tmp_path / "in", boxes, classes=['cat; small, "grey"\tone'], split="val")
    options = CsvOptions(layout=layout, delimiter=delimiter)  # type: ignore[arg-type]
    report = CSV.write(dataset, tmp_path / "out", ExportOptions(own=options))
    table = {"tensorflow": "val_labels.csv", "roboflow": "valid/_annotations.csv"}[layout]
    mark = {"comma": ",", "semicolon": ";", "tab": "\t"}[delimiter]
    assert (tmp_path / "out" / table).read_text().splitlines()[0] == HEADINGS.replace(",", mark)
    assert any("1 image without objects has a row without a class" in note for note in report.notes)
    again, problems = CSV.read(tmp_path / "out")
    assert found(again) == {"a.jpg": [('cat; small, "grey"\tone', 10, 20, 30, 40.5)], "b.jpg": []}
    assert ({image.split for image in again.images}, problems) == ({"val"}, [])


def test_openimages_has_flags_by_word_and_names_by_id(tmp_path: Path):
    folder = tmp_path / "set"
    save_image(folder / "train/0a1b.jpg")
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsInside"
    rows = ["0a1b,xclick,/m/01,1,0.1,0.5,0.25,0.75,1,0,0,0", "0a1b,xclick,/m/02,1,0,1,0,1,-1,1,1,0"]
    (folder / "train-annotations-bbox.csv").write_text("\n".join([head, *rows]))
    (folder / "class-descriptions-boxable.csv").write_text("/m/01,Cat\n/m/03,Traffic light\n")
    assert detect_format(folder) == "openimages"
    dataset, problems = all_formats()["openimages"].read(folder)
    assert found(dataset) == {"0a1b.jpg": [("Cat", 10, 20, 50, 60), ("/m/02", 0, 0, 100, 80)]}
    first, second = dataset.images[0].boxes
    assert (first.occluded, first.truncated, first.crowd) == (True, False, False)
    assert (second.occluded, second.truncated, second.crowd) == (False, True, True)
    assert dataset.images[0].split == "train"
    assert dataset.classes[0].extra == {"openimages": {"LabelName": "/m/01"}}
    assert first.extra["openimages"] == {"Source": "xclick", "Confidence": "1", "IsInside": "0"}
    assert [problem.message for problem in problems] == [
        "1 class is in no table of class descriptions: called by the id"
    ]


def test_fractions_of_an_image_that_is_not_there_are_left_out_and_counted(tmp_path: Path):
    head = "ImageID,LabelName,XMin,XMax,YMin,YMax"
    dataset, problems = read(
        tmp_path, head, "gone,Cat,0,1,0,1", "gone,Cat,0,0.5,0,1", "a,Cat,0,1,0,1", name="openimages"
    )
    assert found(dataset) == {"a.jpg": [("Cat", 0, 0, 100, 80)], "b.jpg": [], "gone.jpg": []}
    assert any(
        problem.message == "gone.jpg: 2 boxes left out: fractions of an image that cannot be read"
        and problem.line == 2
        for problem in problems
    )


def test_automl_has_two_corners_or_four_and_sets(tmp_path: Path):
    lines = [
        "TRAIN,gs://bucket/set/a.jpg,cat,0.1,0.25,,,0.3,0.5,,",
        "TRAIN,gs://bucket/set/a.jpg,dog,0.1,0.25,0.3,0.25,0.3,0.5,0.1,0.5",
        "UNASSIGNED,b.jpg,,,,,,,,,",
        "TEST,a.jpg,cat,0.1,,,,,,,",
    ]
    dataset, problems = read(tmp_path, *lines, name="automl")
    edges = (pytest.approx(10), 20, pytest.approx(30), 40)
    assert found(dataset) == {"a.jpg": [("cat", *edges), ("dog", *edges)], "b.jpg": []}
    assert [(image.split, image.verified) for image in dataset.images] == [("test", False), (None, True)]
    assert [(problem.line, problem.message) for problem in problems] == [(4, "not two corners: left out")]
    assert detect_format(tmp_path) == "automl"


def test_keras_retinanet_has_empty_columns_for_an_image_without_objects_and_classes_in_a_table(
    tmp_path: Path,
):
    (tmp_path / "classes.csv").write_text("dog,0\ncat,1\n")
    dataset, problems = read(tmp_path, "a.jpg,10,20,30,40,cat", "b.jpg,,,,,", name="keras-retinanet")
    assert found(dataset) == {"a.jpg": [("cat", 10, 20, 30, 40)], "b.jpg": []}
    assert [(item.name, item.source_id) for item in dataset.classes] == [("dog", 0), ("cat", 1)]
    assert ([image.verified for image in dataset.images], problems) == ([False, True], [])
    assert detect_format(tmp_path) == "keras-retinanet"


def test_tables_of_something_else_are_told_by_their_headings(tmp_path: Path):
    (tmp_path / "prices.csv").write_text("item,price,shop\n1,2,3\n")
    looks = recognise(tmp_path)
    assert looks.best is None
    assert "no columns for an image, a class and a box among item, price, shop" in str(looks)
    with pytest.raises(FormatError, match=r"no table of CSV here: prices\.csv begins with item, price, shop"):
        CSV.read(tmp_path)


@pytest.mark.data
def test_tables_of_others_are_those_of_their_xml(real_data: Path):
    """Raccoons and playing cards have both, made by the tutorial's own script."""
    for table, folder in (("raccoon/data/raccoon_labels.csv", "raccoon"), ("playing_cards", "playing_cards")):
        dataset, _ = CSV.read(real_data / table, image_folder=real_data / folder)
        truth, _ = all_formats()["voc"].read(real_data / folder)
        mine, theirs = (
            {
                image.path.name: sorted(boxes)
                for image, boxes in zip(given.images, found(given).values(), strict=True)
            }
            for given in (dataset, truth)
        )
        assert mine == theirs
        assert sum(map(len, mine.values())) in {217, 670}


@pytest.mark.data
def test_the_table_of_bccd_is_read_when_its_column_is_named(real_data: Path):
    options = CsvReading(columns="class=cell_type")
    dataset, _ = CSV.read(real_data / "bccd/test.csv", image_folder=real_data / "bccd", options=options)
    first = next(image for image in dataset.images if image.path.stem == "BloodImage_00000")
    assert (dataset.classes[first.boxes[0].label].name, first.boxes[0].xyxy) == ("WBC", (260, 177, 491, 376))


@pytest.mark.data
def test_openimages_of_padilla_is_its_voc_to_a_thousandth_of_a_pixel(real_data: Path):
    folder = real_data / "padilla_review/data/database"
    read_both = [
        all_formats()[name].read(folder / "gts" / place, image_folder=folder / "images")
        for name, place in (("openimages", "openimages_format"), ("voc", "pascalvoc_format"))
    ]
    mine, theirs = (
        {
            image.path.stem: sorted(boxes)
            for image, boxes in zip(given.images, found(given).values(), strict=True)
        }
        for given, _ in read_both
    )
    assert detect_format(folder / "gts/openimages_format") == "openimages"
    assert mine.keys() == theirs.keys()
    assert sum(map(len, mine.values())) == 273
    assert len(read_both[0][0].classes) == 20
    for stem, boxes in mine.items():
        for (kind, *edges), (right_kind, *right_edges) in zip(boxes, theirs[stem], strict=True):
            assert kind == right_kind
            assert edges == pytest.approx(right_edges, abs=1e-3)
    assert read_both[0][1] == []


@pytest.mark.data
def test_small_tables_of_others_are_read(real_data: Path):
    folder = real_data / "datumaro_assets/tests/assets"
    tables = [
        CSV.read(folder / "kaggle_dataset/image_csv_det/ann.csv"),
        CSV.read(folder / "kaggle_dataset/image_csv_det/ann2.csv"),
        CSV.read(folder / "kaggle_dataset/image_csv_det/ann3.csv", options=CsvReading(bbox="edges")),
        CSV.read(
            folder / "kaggle_dataset/image_txt_det/ann.txt",
            options=CsvReading(columns="file=1,class=2,x1=3,y1=4,x2=5,y2=6"),
        ),
    ]
    for dataset, problems in tables:  # the table as it stands
        assert found(dataset) == {
            "1.jpg": [("dog", 0, 1, 1, 2), ("cat", 1, 2, 3, 3)],
            "2.jpg": [("cat", 0, 0, 1, 1)],
            "3.jpg": [("dog", 0, 2, 2, 4), ("dog", 0, 0, 1, 1), ("cat", 1, 1, 2, 2)],
        }
        assert problems == []
    dataset, _ = all_formats()["openimages"].read(folder / "open_images_dataset/v6")
    sizes = {image.path.name: (image.width, image.height) for image in dataset.images}
    assert sizes["b.jpg"] == (8, 2)
    told = {image.path.name: (image.split, [item.xyxy for item in image.boxes]) for image in dataset.images}
    assert told["b.jpg"] == ("train", [pytest.approx((1.6, 0.6, 8, 1))])
