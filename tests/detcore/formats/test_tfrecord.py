"""TFRecord: frames and messages byte by byte, boxes as the Object Detection API has them, images inside."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorboard.compat.tensorflow_stub import errors
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

from detcore.cli.main import main
from detcore.errors import Cancelled, FormatError
from detcore.exchange import ImportOptions, find_dataset, import_dataset, import_found
from detcore.formats import detect_format
from detcore.formats.base import Dataset
from detcore.formats.tfrecord.checksum import crc32c
from detcore.formats.tfrecord.example import Feature, read_example, write_example
from detcore.formats.tfrecord.label_map import MappedLabel, read_label_map, write_label_map
from detcore.formats.tfrecord.reading import TFRECORD, TfRecordReading
from detcore.formats.tfrecord.records import read_records, write_record
from detcore.project.project import Project
from tests.detcore.formats.format_samples import box, dataset_of, hashes, save_image

TAKE_OUT = TfRecordReading(take_out=True)


@pytest.mark.parametrize(
    ("data", "checksum"),
    [  # RFC 3720, B.4
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_checksums_are_those_of_the_standard(data: bytes, checksum: int):
    assert crc32c(data) == checksum


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize("length", [1, 2047, 2048, 2049, 3000, 4096, 40_001])
def test_checksums_of_long_data_are_those_of_each_bit_in_turn(length: int):
    data = random.Random(length).randbytes(length)
    assert crc32c(data) == bit_by_bit(data)


# A whole number 5 called a: the list 0a 01 05, as field 3 of the feature, beside the key 0a 01 61 in an entry of ten bytes.
FIVE = bytes.fromhex("0a0c 0a0a 0a0161 1205 1a03 0a0105")


def test_a_message_is_written_byte_for_byte():
    assert write_example({"a": Feature(numbers=[5])}) == FIVE
    assert read_example(FIVE) == {"a": Feature([], [], [5])}
    # The same number as a field of its own, as older writers have it: 08 05 in place of 0a 01 05.
    assert read_example(bytes.fromhex("0a0b 0a09 0a0161 1204 1a02 0805")) == {"a": Feature([], [], [5])}


def example_class() -> Any:
    """``tf.train.Example`` of protobuf's own library, from the fields that its definition lists."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, str], within: Any = None) -> Any:
        made = (within or file).nested_type.add(name=name) if within else file.message_type.add(name=name)
        for field, number, kind, of in fields:
            label = 3 if field.endswith("s") else 1
            made.field.add(name=field, number=number, type=kind, label=label, type_name=of or None)
        return made

    text, number, real, sub = 12, 3, 2, 11
    message("BytesList", ("values", 1, text, ""))
    message("FloatList", ("values", 1, real, ""))
    message("Int64List", ("values", 1, number, ""))
    lists = [
        ("byte", 1, sub, ".t.BytesList"),
        ("real", 2, sub, ".t.FloatList"),
        ("whole", 3, sub, ".t.Int64List"),
    ]
    message("Feature", *lists)
    features = message("Features")
    entry = message("FeatureEntry", ("key", 1, 9, ""), ("value", 2, sub, ".t.Feature"), within=features)
    entry.options.map_entry = True
    features.field.add(name="feature", number=1, type=sub, label=3, type_name=".t.Features.FeatureEntry")
    message("Example", ("features", 1, sub, ".t.Features"))
    file.message_type[-1].field[0].label = 1
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


FEATURES = {
    "name": Feature(texts=["Öl".encode(), b"", b"\xff\0"]),
    "shares": Feature(floats=[0.5, -1.25, 3e38]),
    "numbers": Feature(numbers=[0, -1, 300, 2**63 - 1, -(2**63)]),
}


def test_protobuf_reads_what_is_written_and_the_other_way_round():
    message = example_class()()
    message.ParseFromString(write_example(FEATURES))
    told = message.features.feature
    assert list(told["name"].byte.values) == list(FEATURES["name"].texts)
    assert list(told["shares"].real.values) == pytest.approx(FEATURES["shares"].floats)
    assert list(told["numbers"].whole.values) == list(FEATURES["numbers"].numbers)
    again = read_example(message.SerializeToString())
    assert {name: list(feature.values) for name, feature in again.items()} == {
        name: pytest.approx(feature.values) if feature.floats else list(feature.values)
        for name, feature in FEATURES.items()
    }


def records(path: Path) -> list[bytes]:
    """What TensorBoard's reader, which minds the checksums, finds in a file."""
    reader, found = PyRecordReader_New(str(path)), []
    while True:
        try:
            reader.GetNext()
        except errors.OutOfRangeError:
            return found
        found.append(reader.record())


def test_tensorboard_and_protobuf_read_an_export(tmp_path: Path):
    boxes = [box(1, 10, 20, 30, 60, truncated=True), box(0, 0, 0, 100, 80)]
    dataset = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.jpg": []})
    TFRECORD.write(dataset, tmp_path / "out")
    first, second = records(tmp_path / "out/train.tfrecord")
    message = example_class()()
    message.ParseFromString(first)
    told = message.features.feature
    image = (tmp_path / "in/a.jpg").read_bytes()
    assert list(told["image/encoded"].byte.values) == [image]
    assert list(told["image/key/sha256"].byte.values) == [hashlib.sha256(image).hexdigest().encode()]
    assert list(told["image/format"].byte.values) == [b"jpeg"]
    assert (told["image/width"].whole.values[0], told["image/height"].whole.values[0]) == (100, 80)
    # 10 and 30 of 100 pixels, 20 and 60 of 80
    edges = [list(told[f"image/object/bbox/{edge}"].real.values) for edge in ("xmin", "xmax", "ymin", "ymax")]
    assert edges == [pytest.approx(values) for values in ([0.1, 0], [0.3, 1], [0.25, 0], [0.75, 1])]
    assert list(told["image/object/class/text"].byte.values) == [b"dog", b"cat"]
    assert list(told["image/object/class/label"].whole.values) == [2, 1]
    assert list(told["image/object/truncated"].whole.values) == [1, 0]
    assert "image/object/difficult" not in told
    assert (tmp_path / "out/label_map.pbtxt").read_text() == (
        'item {\n  id: 1\n  name: "cat"\n}\nitem {\n  id: 2\n  name: "dog"\n}\n'
    )
    message.ParseFromString(second)
    assert list(message.features.feature["image/object/bbox/xmin"].real.values) == []


def written(tmp_path: Path, *, copies: bool = True) -> Path:
    """An export of two images in two splits whose originals are gone."""
    dataset = dataset_of(tmp_path / "in", {"a.jpg": [box(1, 10, 20, 30, 60)], "b.jpg": [box(0, 1, 2, 3, 4)]})
    images = [
        dataclasses.replace(image, split=split)
        for image, split in zip(dataset.images, ("train", "val"), strict=True)
    ]
    TFRECORD.write(dataclasses.replace(dataset, images=images), tmp_path / "out")
    return tmp_path / "out"


def take_out(source: Path, images: Path, project: Path) -> list[tuple[str, str | None, int]]:
    """Names, splits and numbers of boxes in a project after an import that takes the images out."""
    images.mkdir(parents=True, exist_ok=True)
    with Project.create(project, image_root=images) as opened:
        import_dataset(opened, "tfrecord", source, images=images, options=ImportOptions(own=TAKE_OUT))
        return [(image.path, image.split, len(opened.boxes(image.id))) for image in opened.images()]


def test_images_are_taken_out_byte_for_byte_into_the_folder_that_is_named(tmp_path: Path):
    out, there = written(tmp_path), tmp_path / "there"
    assert detect_format(out) == detect_format(out / "val.tfrecord") == "tfrecord"
    assert take_out(out, there, tmp_path / "p.reticle") == [("a.jpg", "train", 1), ("b.jpg", "val", 1)]
    assert hashes(there) == hashes(tmp_path / "in")
    assert take_out(out, there, tmp_path / "q.reticle") == [("a.jpg", "train", 1), ("b.jpg", "val", 1)]
    assert sorted(hashes(there)) == ["a.jpg", "b.jpg"]


def test_reading_writes_nothing_and_says_where_the_images_will_be(tmp_path: Path):
    dataset, problems = TFRECORD.read(written(tmp_path), image_folder=tmp_path / "there", options=TAKE_OUT)
    assert problems == []
    assert not (tmp_path / "there").exists()
    assert [(image.path, image.width, image.height, image.missing) for image in dataset.images] == [
        (tmp_path / "there/a.jpg", 100, 80, False),
        (tmp_path / "there/b.jpg", 100, 80, False),
    ]
    assert dataset.images[0].boxes[0].xyxy == pytest.approx((10, 20, 30, 60), abs=1e-5)


def test_no_file_is_ever_replaced_and_none_stays_of_an_import_that_is_given_up(tmp_path: Path):
    out, there = written(tmp_path), tmp_path / "there"
    mine = save_image(there / "a.jpg", (7, 7)).read_bytes()
    found = find_dataset("tfrecord", out, images=there, options=ImportOptions(own=TAKE_OUT))
    with Project.create(tmp_path / "p.reticle", image_root=there) as project:
        for moment in range(4):
            calls = iter([True] * moment)
            with pytest.raises(Cancelled):
                import_found(project, found, progress=lambda d, t, c=calls: next(c, False))
            assert list(hashes(there)) == ["a.jpg"]
            assert project.image_ids() == []
        import_found(project, found)
        assert sorted(image.path for image in project.images()) == ["a_2.jpg", "b.jpg"]
    assert (there / "a.jpg").read_bytes() == mine


@pytest.mark.parametrize("orientation", [1, 6])
def test_boxes_of_an_image_that_is_stored_turned_fit_it_as_it_is_shown(tmp_path: Path, orientation: int):
    data = save_image(tmp_path / "in/a.jpg", (100, 80), orientation=orientation).read_bytes()
    text = Feature(texts=[b"cat"])
    inside = record(image__encoded=Feature(texts=[data]), image__object__class__text=text)
    dataset, problems = TFRECORD.read(
        write(tmp_path / "x/x.tfrecord", inside), image_folder=tmp_path / "there", options=TAKE_OUT
    )
    # 10, 20, 30, 60 on 100 by 80: turned clockwise x becomes y and y becomes 80 - x.
    expected = (10, 20, 30, 60) if orientation == 1 else (20, 10, 60, 30)
    assert dataset.images[0].boxes[0].xyxy == pytest.approx(expected, abs=1e-4)
    assert ["EXIF" in problem.message for problem in problems] == [True] * (orientation == 6)


@pytest.mark.parametrize(
    "name", ["../../escaped.jpg", "/etc/escaped.jpg", "C:\\x\\escaped.jpg", "sub/escaped"]
)
def test_images_never_leave_the_folder_that_is_named(tmp_path: Path, name: str):
    image = Feature(texts=[save_image(tmp_path / "in/a.jpg").read_bytes()])
    path = write(tmp_path / "in/x.tfrecord", record(name, image__encoded=image))
    take_out(path, tmp_path / "here/there", tmp_path / "p.reticle")
    (taken,) = (tmp_path / "here").rglob("*.jpg")
    assert taken.name == "escaped.jpg"
    assert taken.is_relative_to(tmp_path / "here/there")


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 300])
def test_a_name_that_no_disk_can_hold_costs_one_record(tmp_path: Path, name: str):
    image = Feature(texts=[save_image(tmp_path / "in/a.jpg").read_bytes()])
    path = write(
        tmp_path / "set/x.tfrecord", record(name, image__encoded=image), record(image__encoded=image)
    )
    dataset, problems = TFRECORD.read(path, image_folder=tmp_path / "there", options=TAKE_OUT)
    assert [image.name for image in dataset.images] == ["a.jpg"]
    assert problems[0].message == "record 1: its file name is one that no disk can hold: left out"
    assert len(TFRECORD.read(path, image_folder=tmp_path / "there")[0].images) == 2


def test_images_stay_inside_unasked_and_the_import_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = written(tmp_path)
    dataset, _ = TFRECORD.read(out)
    assert [(image.width, image.height, image.missing) for image in dataset.images] == [(100, 80, True)] * 2
    assert sorted(hashes(out)) == ["label_map.pbtxt", "reticle.json", "train.tfrecord", "val.tfrecord"]
    command = ["import", str(tmp_path / "p.reticle"), "--format", "tfrecord", str(out)]
    assert main(command) == 1
    assert "give --take-out, and with --images the folder" in capsys.readouterr().err
    assert main([*command, "--take-out"]) == 1
    assert "but not where to" in capsys.readouterr().err
    (tmp_path / "there").mkdir()
    assert main([*command, "--take-out", "--images", str(tmp_path / "there")]) == 0
    with Project.open(tmp_path / "p.reticle") as project:
        assert project.statistics().boxes == 2
        assert project.image_root == tmp_path / "there"


def test_images_that_lie_elsewhere_are_found_by_their_names(tmp_path: Path):
    dataset, problems = TFRECORD.read(written(tmp_path), image_folder=tmp_path / "in")
    assert [image.path for image in dataset.images] == [tmp_path / "in/a.jpg", tmp_path / "in/b.jpg"]
    assert problems == []


def record(name: str = "a.jpg", **features: Feature) -> bytes:
    """A record of an image of 100 by 80 with the box 10, 20, 30, 60."""
    edges = {"xmin": 0.1, "ymin": 0.25, "xmax": 0.3, "ymax": 0.75}
    told = {f"image/object/bbox/{edge}": Feature(floats=[value]) for edge, value in edges.items()}
    told |= {"image/width": Feature(numbers=[100]), "image/height": Feature(numbers=[80])}
    told |= {
        "image/filename": Feature(texts=[name.encode()]),
        "image/object/class/label": Feature(numbers=[7]),
    }
    return write_example(told | {key.replace("__", "/"): feature for key, feature in features.items()})


def write(path: Path, *data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for item in data:
            write_record(file, item)
    return path


def test_parts_of_a_cut_file_are_one_set_and_the_label_map_beside_names_the_classes(tmp_path: Path):
    for number in range(2):
        save_image(tmp_path / f"{number}.jpg")
        write(tmp_path / f"coco_val.record-0000{number}-of-00002", record(f"{number}.jpg"))
    (tmp_path / "map.pbtxt").write_text(
        "# of the API\nitem: {\n name: '/m/01yrx'\n id: 7, display_name: \"C\\303\\244t\" keypoints { id: 3 }\n}\n"
    )
    assert detect_format(tmp_path) == "tfrecord"
    dataset, problems = TFRECORD.read(tmp_path)
    assert problems == []
    assert [(item.name, item.source_id) for item in dataset.classes] == [("Cät", 7)]
    assert [(image.name, image.split, len(image.boxes)) for image in dataset.images] == [
        ("0.jpg", "val", 1),
        ("1.jpg", "val", 1),
    ]
    TFRECORD.write(dataset, tmp_path.with_name("out"))
    assert read_label_map((tmp_path.with_name("out") / "label_map.pbtxt").read_text()) == [
        MappedLabel(7, "/m/01yrx", "Cät")
    ]


def test_a_label_map_comes_back_with_any_name():
    labels = [MappedLabel(1, 'a "b" \\c\n', 'a "b" \\c\n'), MappedLabel(2, "item { id: 3 } # 'x'", "猫")]
    assert read_label_map(write_label_map(labels)) == labels


def test_an_untouched_set_goes_out_with_all_features_that_it_came_with(tmp_path: Path):
    save_image(tmp_path / "in/a.jpg")
    extra = {
        "image__source_id": Feature(texts=[b"581"]),
        "image__caption": Feature(texts=[b"\xff\xfe"]),
        "image__object__view": Feature(texts=[b"Rear"]),
        "image__object__area": Feature(floats=[0.1]),
        "image__object__difficult": Feature(numbers=[0]),
        "image__object__keypoint__x": Feature(floats=[0.1, 0.2, 0.3]),
        "image__object__class__text": Feature(texts=[b"cat"]),
    }
    path = write(tmp_path / "in/test.tfrecord", record(**extra))
    dataset, problems = TFRECORD.read(path)
    assert problems == []
    assert TFRECORD.write(dataset, tmp_path / "out").losses == ()
    (before,), (after,) = records(path), records(tmp_path / "out/test.tfrecord")
    image = (tmp_path / "in/a.jpg").read_bytes()
    filled = {
        "image/encoded": [image],
        "image/format": [b"jpeg"],
        "image/key/sha256": [hashlib.sha256(image).hexdigest().encode()],
    }
    expected = {name: list(feature.values) for name, feature in read_example(before).items()} | filled
    assert {name: list(feature.values) for name, feature in read_example(after).items()} == expected


@pytest.mark.parametrize(
    ("features", "complaint"),
    [
        (
            {"image__object__bbox__ymax": Feature(floats=[0.5, 0.6])},
            "not as many edges of one side as of another",
        ),
        (
            {"image__object__class__label": Feature()},
            "box 1: neither a name nor a number of a class: left out",
        ),
        (
            {"image__object__bbox__xmax": Feature(floats=[float("nan")])},
            "box 1: a coordinate is not a number",
        ),
        ({"image__filename": Feature()}, "neither an image nor the name of one: left out"),
    ],
)
def test_what_is_wrong_in_a_record_is_told_by_its_number_and_the_rest_is_read(
    tmp_path: Path, features: dict[str, Feature], complaint: str
):
    for name in ("a.jpg", "b.jpg"):
        save_image(tmp_path / name)
    text = {"image__object__class__text": Feature(texts=[b"cat"])}
    label = {} if "image__object__class__label" in features else text
    write(tmp_path / "x.tfrecord", record("b.jpg", **text), record(**label, **features))
    dataset, problems = TFRECORD.read(tmp_path)
    assert [image.name for image in dataset.images if image.boxes] == ["b.jpg"]
    assert len(problems) == 1
    assert (
        problems[0].message.startswith(f"record 2: {complaint}")
        or f"record 2, {complaint}" in problems[0].message
    )


def test_a_number_without_a_name_gets_a_class_of_its_own(tmp_path: Path):
    save_image(tmp_path / "a.jpg")
    dataset, problems = TFRECORD.read(write(tmp_path / "x.tfrecord", record()))
    assert [item.name for item in dataset.classes] == ["class_7"]
    assert "no label map names the class 7" in problems[0].message


def damaged(tmp_path: Path, change: Any) -> tuple[Dataset, list[str]]:
    """What is read of three records in a file that was changed, and what is said of it."""
    for number in range(3):
        save_image(tmp_path / f"{number}.jpg")
    text = Feature(texts=[b"cat"])
    path = write(
        tmp_path / "x.tfrecord", *(record(f"{n}.jpg", image__object__class__text=text) for n in range(3))
    )
    size = path.stat().st_size // 3
    path.write_bytes(change(bytearray(path.read_bytes()), size))
    dataset, problems = TFRECORD.read(path)
    return dataset, [problem.message for problem in problems]


def flipped(place: int) -> Any:
    def change(data: bytearray, size: int) -> bytes:
        data[size + place] ^= 1
        return bytes(data)

    return change


@pytest.mark.parametrize(
    ("change", "left", "complaint"),
    [
        (flipped(40), 2, "record 2: its data do not fit their checksum: left out"),
        (
            flipped(0),
            1,
            "record 2: its length does not fit its checksum: what follows cannot be found: left out",
        ),
        (
            lambda data, size: bytes(data[: size + 60]),
            1,
            "record 2: the file ends in the middle of it: left out",
        ),
        (
            lambda data, size: bytes(data[: size + 5]),
            1,
            "record 2: the file ends in the middle of it: left out",
        ),
    ],
)
def test_damage_costs_the_records_that_it_hits(tmp_path: Path, change: Any, left: int, complaint: str):
    dataset, said = damaged(tmp_path, change)
    assert len(dataset.images) == left
    assert said == [complaint]


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a",  # ends in the middle of a number
        b"\x0a\xff\xff\xff\xff\x0f",  # 4 GB of what is not there
        b"\xff" * 20,  # a number without end
        b"\x0b\x0b",  # a group, which proto3 has no more
        bytes.fromhex("0a0b 0a09 0a0161 1204 1202 0a01"),  # a list of floats that ends early
    ],
)
def test_bytes_that_are_no_message_are_called_so(tmp_path: Path, data: bytes):
    with pytest.raises(ValueError, match="."):
        read_example(data)
    save_image(tmp_path / "a.jpg")
    dataset, problems = TFRECORD.read(write(tmp_path / "x.tfrecord", data, record()))
    assert len(dataset.images) == 1
    assert problems[0].message.startswith("record 1: no tf.train.Example")


def test_a_length_beyond_the_file_takes_no_memory(tmp_path: Path):
    length = struct.pack("<Q", 2**62)
    (tmp_path / "x.tfrecord").write_bytes(length + struct.pack("<I", _masked(bit_by_bit(length))) + b"abc")
    (found,) = read_records(tmp_path / "x.tfrecord")
    assert found.wrong == "the file ends in the middle of it"


def _masked(checksum: int) -> int:
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_packed_records_are_refused_with_what_to_do(tmp_path: Path):
    (tmp_path / "x.tfrecord").write_bytes(b"\x1f\x8b\x08" + bytes(40))
    with pytest.raises(FormatError, match="compressed.*gzip"):
        TFRECORD.read(tmp_path)
