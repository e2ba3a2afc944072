"""Pascal VOC: what other tools leave behind is read, what they read is written."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetImage, ExportOptions, Problem
from detcore.formats.voc.reading import VOC
from detcore.formats.voc.writing import VocOptions
from tests.detcore.formats.format_samples import BOUNDS, box, dataset_of, hashes, save_image, thing, write_xml


def read_one(folder: Path, *objects: str, **more: str) -> tuple[Dataset, list[Problem]]:
    write_xml(folder / "a.xml", *objects, **more)
    save_image(folder / "a.jpg")
    return VOC.read(folder)


def only(dataset: Dataset) -> DatasetImage:
    (image,) = dataset.images
    return image


def texts(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def test_box_flags_class_and_size_are_read(tmp_path: Path):
    flags = "<truncated>1</truncated><occluded>1</occluded><difficult>1</difficult>"
    dataset, problems = read_one(tmp_path, thing("Katze", flags + BOUNDS))
    image = only(dataset)
    (found,) = image.boxes
    assert found.xyxy == (10, 20, 30, 40)
    assert (found.truncated, found.occluded, found.difficult) == (True, True, True)
    assert dataset.classes[found.label].name == "Katze"
    assert (image.width, image.height) == (100, 80)
    assert problems == []


def test_one_bad_object_does_not_drop_the_ones_after_it(tmp_path: Path):
    empty_tag = thing("dog", f"<difficult/>{BOUNDS}")
    odd_flag = thing("dog", f"<difficult>maybe</difficult>{BOUNDS}")
    letters = thing("cat", "<bndbox><xmin>a</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></bndbox>")
    half = thing("cat", "<bndbox><xmin>1</xmin></bndbox>")
    dataset, problems = read_one(tmp_path, empty_tag, letters, half, odd_flag, thing())
    assert [dataset.classes[item.label].name for item in only(dataset).boxes] == ["dog", "dog", "cat"]
    assert len(problems) == 3


def test_objects_without_bndbox_or_name_are_reported_with_their_line(tmp_path: Path):
    dataset, problems = read_one(tmp_path, "\n", thing(inner=""), "\n", f"<object>{BOUNDS}</object>", thing())
    assert len(only(dataset).boxes) == 1
    assert [(problem.line, problem.path.name) for problem in problems] == [(2, "a.xml"), (3, "a.xml")]


@pytest.mark.parametrize(
    ("edges", "kept"),
    [
        ((-5, 10, 50, 60), (0, 10, 50, 60)),
        ((90, 70, 130, 100), (90, 70, 100, 80)),
        ((200, 200, 210, 210), None),
        ((10, 10, 10, 40), None),
        ((10, 40, 30, 40), None),
        (("nan", 1, 2, 3), None),
        (("inf", 1, 2, 3), None),
        ((30, 40, 10, 20), (10, 20, 30, 40)),
    ],
)
def test_boxes_outside_empty_or_swapped_are_mended_or_left_out_and_reported(tmp_path: Path, edges, kept):
    names = ("xmin", "ymin", "xmax", "ymax")
    inner = "".join(f"<{name}>{edge}</{name}>" for name, edge in zip(names, edges, strict=True))
    dataset, problems = read_one(tmp_path, thing(inner=f"<bndbox>{inner}</bndbox>"), thing())
    found = [item.xyxy for item in only(dataset).boxes]
    assert found == ([kept] if kept else []) + [(10, 20, 30, 40)]
    assert len(problems) == 1


def test_truncated_file_keeps_the_complete_objects_and_says_where_it_breaks(tmp_path: Path):
    path = write_xml(tmp_path / "a.xml", thing(), "\n", thing("dog"))
    save_image(tmp_path / "a.jpg")
    text = path.read_text()
    path.write_text(text[: text.index("<name>dog")])
    dataset, problems = VOC.read(tmp_path)
    assert [dataset.classes[item.label].name for item in only(dataset).boxes] == ["cat"]
    assert not only(dataset).verified
    assert problems[0].line == 2
    assert "1 complete objects" in problems[0].message


def test_truncated_file_without_objects_is_not_taken_for_a_checked_empty_image(tmp_path: Path):
    write_xml(tmp_path / "b.xml", thing())
    save_image(tmp_path / "b.jpg")
    save_image(tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_text("<annotation><filename>a.jpg</filename>")
    dataset, problems = VOC.read(tmp_path)
    assert [(image.name, image.labelled, image.verified) for image in dataset.images] == [
        ("a.jpg", False, False),
        ("b.jpg", True, False),
    ]
    assert "broken XML" in texts(problems)


def test_entity_bombs_and_files_of_other_kinds_are_refused_and_the_rest_is_read(tmp_path: Path):
    bomb = (
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><annotation><filename>&y;</filename></annotation>'
    )
    (tmp_path / "bomb.xml").write_text(bomb)
    secret = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation>&x;</annotation>'
    (tmp_path / "secret.xml").write_text(secret)
    (tmp_path / "cvat.xml").write_text("<annotations/>")
    (tmp_path / "empty.xml").write_text("")
    dataset, problems = read_one(tmp_path, thing())
    assert dataset.box_count == 1
    assert {problem.path.name for problem in problems} >= {"bomb.xml", "secret.xml", "cvat.xml", "empty.xml"}


def test_a_folder_with_nothing_readable_is_an_error(tmp_path: Path):
    with pytest.raises(FormatError, match="no XML file"):
        VOC.read(tmp_path)
    (tmp_path / "x.xml").write_text("<annotations/>")
    with pytest.raises(FormatError, match="no Pascal VOC annotation"):
        VOC.read(tmp_path)
    with pytest.raises(FormatError, match="no such file"):
        VOC.read(tmp_path / "nowhere")


def test_missing_and_broken_images_keep_their_boxes(tmp_path: Path):
    write_xml(tmp_path / "Annotations/gone.xml", thing())
    write_xml(tmp_path / "Annotations/broken.xml", thing())
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "JPEGImages/broken.jpg").write_bytes(b"no image")
    dataset, problems = VOC.read(tmp_path)
    assert [(image.name, image.width, len(image.boxes)) for image in dataset.images] == [
        ("broken.jpg", 100, 1),
        ("gone.jpg", 100, 1),
    ]
    assert {problem.path.name for problem in problems} == {"broken.jpg", "gone.jpg"}


def test_windows_paths_are_never_followed_and_case_does_not_matter(tmp_path: Path):
    head = "<filename>PHOTO.jpg</filename><path>C:\\data\\..\\..\\PHOTO.jpg</path>"
    write_xml(tmp_path / "Photo.xml", thing(), head=head)
    save_image(tmp_path / "photo.JPG")
    image = only(VOC.read(tmp_path)[0])
    assert image.path == tmp_path / "photo.JPG"


def test_filename_with_a_foreign_path_counts_by_its_last_part(tmp_path: Path):
    write_xml(tmp_path / "labels/1.xml", thing(), head="<filename>..\\..\\other\\b.png</filename>")
    save_image(tmp_path / "images/b.png")
    assert only(VOC.read(tmp_path)[0]).path == tmp_path / "images/b.png"


def test_png_is_found_by_the_stem_and_the_claimed_extension_decides_between_two(tmp_path: Path):
    write_xml(tmp_path / "a.xml", thing(), head="<filename>a.png</filename>")
    write_xml(tmp_path / "b.xml", thing(), head="<filename>b</filename>")
    for name in ("a.jpg", "a.png", "b.png"):
        save_image(tmp_path / name)
    dataset, _ = VOC.read(tmp_path)
    assert {image.name for image in dataset.images if image.labelled} == {"a.png", "b.png"}


def test_same_stem_in_two_subfolders_finds_each_its_own_image(tmp_path: Path):
    for folder in ("one", "two"):
        write_xml(tmp_path / "Annotations" / folder / "a.xml", thing(folder))
        save_image(tmp_path / "JPEGImages" / folder / "a.jpg")
    dataset, problems = VOC.read(tmp_path)
    names = {image.name: dataset.classes[image.boxes[0].label].name for image in dataset.images}
    assert names == {"one/a.jpg": "one", "two/a.jpg": "two"}
    assert problems == []


def test_images_elsewhere_are_found_in_the_image_folder(tmp_path: Path):
    write_xml(tmp_path / "xml/a.xml", thing())
    save_image(tmp_path / "photos/deep/a.jpg")
    dataset, problems = VOC.read(tmp_path / "xml", image_folder=tmp_path / "photos")
    assert only(dataset).path == tmp_path / "photos/deep/a.jpg"
    assert problems == []


def test_trainval_is_ignored_beside_train_and_val_and_stems_without_file_are_reported(tmp_path: Path):
    for stem in "abcd":
        write_xml(tmp_path / f"Annotations/{stem}.xml", thing())
        save_image(tmp_path / f"JPEGImages/{stem}.jpg")
    main = tmp_path / "ImageSets/Main"
    main.mkdir(parents=True)
    (main / "train.txt").write_text("a\r\n\r\nmissing\r\n")
    (main / "val.txt").write_text("b\n")
    (main / "trainval.txt").write_text("a\nb\nd\n")
    (main / "test.txt").write_text("c\nb\n")
    (main / "cat_train.txt").write_text("d  1\n")
    dataset, problems = VOC.read(tmp_path)
    assert [image.split for image in dataset.images] == ["train", "val", "test", None]
    assert "missing" in texts(problems)
    assert "'b' is in the list" in texts(problems)


def test_a_list_of_file_names_means_their_stems(tmp_path: Path):
    for stem in ("a", "b.v2", "c.png"):
        write_xml(tmp_path / f"Annotations/{stem}.xml", thing())
        save_image(tmp_path / f"JPEGImages/{stem}.jpg")
    main = tmp_path / "ImageSets/Main"
    main.mkdir(parents=True)
    (main / "train.txt").write_text("a.jpg\nb.v2\n")
    (main / "val.txt").write_text("c.png\nJPEGImages/gone.JPG 1\n")
    dataset, problems = VOC.read(tmp_path)
    assert {image.path.stem: image.split for image in dataset.images} == {
        "a": "train",
        "b.v2": "train",
        "c.png": "val",
    }
    assert [problem.message.split(" is")[0] for problem in problems] == ["'JPEGImages/gone.JPG'"]


def test_folders_named_after_splits_count_where_there_are_no_lists(tmp_path: Path):
    for folder in ("train", "valid", "test", "more"):
        write_xml(tmp_path / folder / f"{folder}.xml", thing())
        save_image(tmp_path / folder / f"{folder}.jpg")
    splits = {image.path.stem: image.split for image in VOC.read(tmp_path)[0].images}
    assert splits == {"train": "train", "valid": "val", "test": "test", "more": None}


def test_an_annotation_without_objects_is_a_verified_empty_image(tmp_path: Path):
    image = only(read_one(tmp_path)[0])
    assert image.labelled
    assert image.verified


def test_verified_is_read_and_images_without_annotation_are_taken_in_unlabelled(tmp_path: Path):
    save_image(tmp_path / "b.jpg")
    dataset, problems = read_one(tmp_path, thing(), attributes=' verified="yes"')
    assert [(image.name, image.labelled, image.verified) for image in dataset.images] == [
        ("a.jpg", True, True),
        ("b.jpg", False, False),
    ]
    assert "1 image without annotation" in texts(problems)


@pytest.mark.parametrize("name", ["日本 語", "a  b", "x", "no", "1.0", "<&>\"'", "Ärger"])
def test_any_class_name_survives_reading_and_writing(tmp_path: Path, name: str):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)]}, classes=[name])
    VOC.write(source, tmp_path / "out")
    assert [item.name for item in VOC.read(tmp_path / "out")[0].classes] == [name]


def test_unknown_elements_and_attributes_come_back_on_export(tmp_path: Path):
    head = "<source><database>The VOC2007 Database</database><image>flickr</image></source><owner><name>me</name></owner>"
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    cvat = "<attributes><attribute><name>track_id</name><value>7</value></attribute></attributes>"
    inner = f"<pose>Left</pose>{BOUNDS}{part}{cvat}<actions note='x'><running>1</running></actions>"
    attributes = ' verified="yes" reviewer="Ann"'
    dataset, _ = read_one(
        tmp_path / "in", thing("cat", inner), head=head + "<segmented>1</segmented>", attributes=attributes
    )
    VOC.write(dataset, tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out/VOCdevkit/VOC2012/Annotations/a.xml").getroot()
    assert root.attrib == {"verified": "yes", "reviewer": "Ann"}
    assert root.findtext("source/database") == "The VOC2007 Database"
    assert root.findtext("source/image") == "flickr"
    assert root.findtext("owner/name") == "me"
    assert root.findtext("segmented") == "1"
    assert root.findtext("object/pose") == "Left"
    assert root.findtext("object/part/bndbox/xmin") == "1"
    assert root.findtext("object/attributes/attribute/value") == "7"
    actions = root.find("object/actions")
    assert actions is not None
    assert actions.get("note") == "x"
    again, problems = VOC.read(tmp_path / "out")
    assert problems == []
    assert only(again).extra == only(dataset).extra
    assert only(again).boxes == only(dataset).boxes


def test_the_written_file_is_the_golden_sample(tmp_path: Path):
    flags = {"truncated": True, "difficult": True, "crowd": True}
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1.4, 2.5, 50, 80, **flags)], "b.jpg": []})
    VOC.write(source, tmp_path / "out")
    home = tmp_path / "out/VOCdevkit/VOC2012"
    assert (home / "Annotations/a.xml").read_bytes().decode() == (
        "<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>a.jpg</filename>\n"
        "\t<path>JPEGImages/a.jpg</path>\n\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n"
        "\t<size>\n\t\t<width>100</width>\n\t\t<height>80</height>\n\t\t<depth>3</depth>\n\t</size>\n"
        "\t<segmented>0</segmented>\n\t<object>\n\t\t<name>cat</name>\n\t\t<pose>Unspecified</pose>\n"
        "\t\t<truncated>1</truncated>\n\t\t<occluded>0</occluded>\n\t\t<difficult>1</difficult>\n"
        "\t\t<bndbox>\n\t\t\t<xmin>1</xmin>\n\t\t\t<ymin>3</ymin>\n\t\t\t<xmax>50</xmax>\n"
        "\t\t\t<ymax>80</ymax>\n\t\t</bndbox>\n\t\t<attributes>\n\t\t\t<attribute>\n"
        "\t\t\t\t<name>crowd</name>\n\t\t\t\t<value>1</value>\n\t\t\t</attribute>\n\t\t</attributes>\n"
        "\t</object>\n</annotation>\n"
    )
    assert '<annotation verified="yes">' in (home / "Annotations/b.xml").read_text()
    assert (home / "labelmap.txt").read_text() == "background:0,0,0::\ncat:::\ndog:::\n"
    assert (home / "ImageSets/Main/train.txt").read_bytes() == b"a\nb\n"
    assert not any(node.text is None for node in ElementTree.parse(home / "Annotations/a.xml").iter())


def test_crowd_survives_as_an_attribute(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4, crowd=True)]})
    VOC.write(source, tmp_path / "out")
    (found,) = only(VOC.read(tmp_path / "out")[0]).boxes
    assert found.crowd
    assert found.extra == {}


def test_rounding_never_makes_a_box_vanish_and_is_reported(tmp_path: Path):
    thin = [box(0, 10.2, 5, 10.4, 9), box(0, 99.7, 79.6, 100, 80)]
    report = VOC.write(dataset_of(tmp_path / "in", {"a.jpg": thin}), tmp_path / "out")
    found = [item.xyxy for item in only(VOC.read(tmp_path / "out")[0]).boxes]
    assert found == [(10, 5, 11, 9), (99, 79, 100, 80)]
    assert any("2 boxes rounded" in loss for loss in report.losses)
    assert any("2 boxes thinner than a pixel" in loss for loss in report.losses)


def test_edges_on_the_border_stay_on_the_border(tmp_path: Path):
    whole = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 0, 0, 100, 80)]})
    for coordinates in ("int", "float", "one_based"):
        out = tmp_path / coordinates
        VOC.write(whole, out, ExportOptions(own=VocOptions(coordinates=coordinates)))
        assert only(VOC.read(out)[0]).boxes[0].xyxy == (0, 0, 100, 80)
    root = ElementTree.parse(tmp_path / "one_based/VOCdevkit/VOC2012/Annotations/a.xml").getroot()
    bounds = root.find("object/bndbox")
    assert bounds is not None
    assert [node.text for node in bounds] == ["1", "1", "100", "80"]


def test_opening_and_saving_again_and_again_changes_no_byte(tmp_path: Path):
    boxes = [box(0, 0, 0, 33.3, 1.25, truncated=True), box(1, 5.5, 6, 99.99, 79.5, occluded=True)]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.png": []})
    for coordinates in ("int", "float"):
        options = ExportOptions(own=VocOptions(coordinates=coordinates))
        VOC.write(source, tmp_path / "first", options)
        expected = hashes(tmp_path / "first/VOCdevkit")
        for turn in range(10):
            again, problems = VOC.read(tmp_path / "first")
            assert problems == []
            VOC.write(again, tmp_path / f"{coordinates}{turn}", options)
            assert hashes(tmp_path / f"{coordinates}{turn}/VOCdevkit") == expected


def test_torchvision_reads_the_export(tmp_path: Path):
    from torchvision.datasets import VOCDetection

    images = {"x/a.JPG": [box(0, 1, 2, 3, 4), box(1, 5, 6, 7, 8)], "b.jpeg": []}
    VOC.write(dataset_of(tmp_path / "in", images), tmp_path / "out")
    found = VOCDetection(str(tmp_path / "out"), year="2012", image_set="train")
    by_name = {target["annotation"]["filename"]: (image, target["annotation"]) for image, target in found}
    image, annotation = by_name["a.jpg"]
    assert image.size == (100, 80)
    assert [item["bndbox"] for item in annotation["object"]] == [
        {"xmin": "1", "ymin": "2", "xmax": "3", "ymax": "4"},
        {"xmin": "5", "ymin": "6", "xmax": "7", "ymax": "8"},
    ]
    assert "object" not in by_name["b.jpg"][1] or by_name["b.jpg"][1]["object"] == []


def test_lists_that_torchvision_does_not_open_are_named(tmp_path: Path):
    boxes = [box(0, 1, 2, 3, 4)]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.jpg": boxes})
    for number, (splits, said) in enumerate(
        {("train", "val"): "", ("train", None): "default.txt", ("train", "test"): "test.txt"}.items()
    ):
        images = [dataclasses.replace(i, split=s) for i, s in zip(source.images, splits, strict=True)]
        report = VOC.write(dataclasses.replace(source, images=images), tmp_path / str(number))
        assert [said in note for note in report.notes if "torchvision" in note] == [True] * bool(said)


def test_images_of_an_undivided_project_are_listed_for_torchvision_and_come_back_without_a_split(
    tmp_path: Path,
):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)], "b.jpg": []})
    images = [dataclasses.replace(image, split=None) for image in source.images]
    VOC.write(dataclasses.replace(source, images=images), tmp_path / "out")
    lists = tmp_path / "out/VOCdevkit/VOC2012/ImageSets/Main"
    assert {path.name: path.read_text() for path in lists.iterdir()} == {"train.txt": "a\nb\n"}
    again, problems = VOC.read(tmp_path / "out")
    assert [image.split for image in again.images] == [None, None]
    assert not problems


def test_other_image_kinds_become_jpeg_only_on_request(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.png": [box(0, 1, 2, 3, 4)]})
    report = VOC.write(source, tmp_path / "plain")
    assert (tmp_path / "plain/VOCdevkit/VOC2012/JPEGImages/a.png").is_file()
    assert any("torchvision" in note for note in report.notes)
    report = VOC.write(source, tmp_path / "jpeg", ExportOptions(own=VocOptions(jpeg=True)))
    copy = tmp_path / "jpeg/VOCdevkit/VOC2012/JPEGImages/a.jpg"
    assert copy.read_bytes()[:2] == b"\xff\xd8"
    assert any("1 image converted to JPEG" in note for note in report.notes)


@pytest.mark.parametrize(
    ("xml", "image"), [("Cafe\u0301", "Caf\u00e9"), ("Caf\u00e9", "Cafe\u0301"), ("Caf%C3%A9%20x", "Café x")]
)
def test_names_with_accents_match_however_they_were_spelled(tmp_path: Path, xml: str, image: str):
    write_xml(tmp_path / f"{xml}.xml", thing())
    save_image(tmp_path / f"{image}.jpg")
    assert only(VOC.read(tmp_path)[0]).path == tmp_path / f"{image}.jpg"


def test_imagenet_has_synsets_names_without_extension_and_images_far_from_their_annotations(tmp_path: Path):
    for split, name in (("train", "n01/n01_7"), ("train", "n02/n02_7"), ("val", "ILSVRC_00000007")):
        save_image(tmp_path / f"ILSVRC/Data/DET/{split}/{name}.JPEG")
        stem = name.rpartition("/")[2]
        head = f"<folder>{stem[:3]}</folder><filename>{stem}</filename>"
        write_xml(tmp_path / f"ILSVRC/Annotations/DET/{split}/{name}.xml", thing("n02084071"), head=head)
    dataset, problems = VOC.read(tmp_path / "ILSVRC")
    assert problems == []
    assert [(image.name, image.split, len(image.boxes)) for image in dataset.images] == [
        ("train/n01/n01_7.JPEG", "train", 1),
        ("train/n02/n02_7.JPEG", "train", 1),
        ("val/ILSVRC_00000007.JPEG", "val", 1),
    ]
    assert [item.name for item in dataset.classes] == ["n02084071"]
