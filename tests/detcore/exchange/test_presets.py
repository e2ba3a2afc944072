"""Exports for a tool by its name, held against that tool's reader, and the proof that goes with an export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.exchange import export_dataset
from detcore.exchange.presets import presets
from detcore.exchange.proof import is_whole
from detcore.formats import all_formats
from detcore.formats.base import ExportOptions, ExportReport, Images
from detcore.project.edits import add_rows
from detcore.project.project import Project
from detcore.types import Box, Image, ObjectClass, Origin, Status
from tests.detcore.formats.format_samples import save_image

every_preset = pytest.mark.parametrize("name", list(presets()))
DIVIDED = ("train", "val", "train")


def make_project(folder: Path, splits: tuple[str | None, ...] = DIVIDED) -> Project:
    """A JPEG with a yes and a box between pixels, a PNG with two of class “a b”, and an empty JPEG."""
    names = ("one.jpg", "cam 1/two.png", "empty.jpeg")
    for name in names:
        save_image(folder / "images" / name)
    images = [
        Image(id=number, path=name, width=100, height=80, status=Status.VERIFIED, split=split)
        for number, (name, split) in enumerate(zip(names, splits, strict=True), start=1)
    ]
    classes = [
        ObjectClass(id=1, name="yes", color="#123456", position=0),
        ObjectClass(id=2, name="a b", color="#654321", position=1),
    ]
    edges = ((1, 1.5, 2, 30, 40), (2, 0, 0, 100, 80), (2, 50, 10, 60, 20))
    boxes = [
        Box(id=0, image_id=min(number, 2), class_id=label, x1=a, y1=b, x2=c, y2=d, origin=Origin.HUMAN)
        for number, (label, a, b, c, d) in enumerate(edges, start=1)
    ]
    project = Project.create(folder / "p.reticle", image_root=folder / "images")
    project.edit(lambda p: add_rows(p, text="x", classes=classes, images=images, boxes=boxes))
    return project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with make_project(tmp_path) as project:
        yield project


def exported(project: Project, name: str, out: Path) -> ExportReport:
    preset = presets()[name]
    return export_dataset(project, preset.format, out, options=preset.applied(ExportOptions()), proof=True)


@every_preset
def test_the_tool_of_a_preset_reads_all_that_was_written(name: str, project: Project, tmp_path: Path):
    preset = presets()[name]
    report = exported(project, name, tmp_path / "out")
    assert (report.image_count, report.box_count) == (3, 3)
    by_tool = {"mmdetection": "pycocotools", "detectron2": "pycocotools"}
    reader = by_tool.get(name, preset.title)
    asked = {outcome.reader: outcome for outcome in report.proof}
    assert is_whole(asked["Reticle"], report)
    if all_formats()[preset.format].readers:
        assert is_whole(asked[reader], report)
        assert asked[reader].faults == ()


@every_preset
def test_the_lines_to_paste_name_the_export_and_are_python_where_they_say_so(
    name: str, project: Project, tmp_path: Path
):
    preset = presets()[name]
    report = exported(project, name, tmp_path / "out")
    code = preset.code(report)
    assert str(tmp_path / "out") in code
    if not preset.shell:
        compile(code, name, "exec")


@pytest.mark.parametrize(("splits", "first"), [(DIVIDED, 2), ((None, None, None), 3)])
def test_torchvision_itself_runs_the_lines_for_it(splits: tuple[str | None, ...], first: int, tmp_path: Path):
    pytest.importorskip("torchvision")
    with make_project(tmp_path, splits) as project:
        report = exported(project, "torchvision", tmp_path / "out")
    names: dict[str, object] = {}
    exec(presets()["torchvision"].code(report), names)
    train = names["train"]
    assert len(train) == first  # pyright: ignore[reportArgumentType]
    annotations = [target["annotation"] for _, target in train]  # pyright: ignore[reportGeneralTypeIssues]
    found = {item["filename"]: [o["name"] for o in item.get("object", [])] for item in annotations}
    assert found["one.jpg"] == ["yes"]
    assert found["empty.jpg"] == []
    trainval = tmp_path / "out/VOCdevkit/VOC2012/ImageSets/Main/trainval.txt"
    assert len(trainval.read_text().split()) == 3


def test_pycocotools_itself_agrees_with_the_check_of_its_rules(project: Project, tmp_path: Path):
    coco = pytest.importorskip("pycocotools.coco")
    report = exported(project, "detectron2", tmp_path / "out")
    files = [coco.COCO(str(path)) for path in sorted((tmp_path / "out/annotations").iterdir())]
    (outcome,) = [outcome for outcome in report.proof if outcome.reader == "pycocotools"]
    assert outcome.images == sum(len(file.imgs) for file in files)
    assert outcome.boxes == sum(len(file.anns) for file in files)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


_XML = "VOCdevkit/VOC2012/Annotations/one.xml"
_LISTS = "VOCdevkit/VOC2012/ImageSets/Main"


@pytest.mark.parametrize(
    ("format_name", "reader", "file", "old", "new", "fault"),
    [
        ("voc", "CVAT", _XML, "<difficult>0", "<difficult>False", "neither 0 nor 1"),
        ("voc", "CVAT", "VOCdevkit/VOC2012/labelmap.txt", "yes:", "no:", "labelmap.txt lacks"),
        ("voc", "CVAT", f"{_LISTS}/val.txt", "", "one\n", "taken twice"),
        ("voc", "labelImg", _XML, "<name>yes</name>", "", "not read"),
        ("voc", "torchvision", f"{_LISTS}/train.txt", "one", "gone", "not there as STEM.jpg"),
        ("coco", "pycocotools", "annotations/instances_train.json", '"iscrowd": 0,', "", "is missing"),
        ("coco", "CVAT", "annotations/instances_train.json", '"category_id": 1', '"category_id": 0', "unlabeled"),
        ("yolo", "Ultralytics", "labels/train/one.txt", "0 0.", "2 0.", "data.yaml does not name"),
        ("yolo", "Ultralytics", "labels/train/one.txt", "\n", " 1\n", "five numbers"),
        ("yolo", "labelImg", "labels/train/one.txt", "0 ", "0  ", "four numbers"),
        ("yolo", "CVAT", "data.yaml", "names:", "nc: 2\nnames:", "taken for a subset"),
    ],
)  # fmt: skip
def test_what_a_reader_stumbles_on_is_found(
    format_name: str, reader: str, file: str, old: str, new: str, fault: str, project: Project, tmp_path: Path
):
    own = presets()["labelimg"].own_options() if format_name == "yolo" else None
    out = export_dataset(project, format_name, tmp_path / "out", options=ExportOptions(own=own)).out
    (rules,) = [rules for rules in all_formats()[format_name].readers if rules.reader == reader]
    before = rules.ask(out).faults
    change(out / file, old, new)
    after = [line for line in rules.ask(out).faults if line not in before]
    assert any(fault in line for line in after)


def test_the_proof_stays_with_the_export_and_goes_with_it(project: Project, tmp_path: Path):
    out = tmp_path / "out"
    export_dataset(project, "coco", out, proof=True)
    text = (out / "EXPORT.txt").read_text("utf-8")
    assert "- Reticle: 3 images and 3 boxes, all that was written." in text
    assert "- pycocotools: 3 images and 3 boxes, all that was written." in text
    export_dataset(project, "coco", out)
    assert not (out / "EXPORT.txt").exists()


def test_readers_that_need_the_images_are_not_asked_without_them(project: Project, tmp_path: Path):
    options = ExportOptions(images=Images.REFERENCE)
    report = export_dataset(project, "coco", tmp_path / "out", options=options, proof=True)
    asked = {outcome.reader: outcome.skipped for outcome in report.proof}
    assert asked["pycocotools"] == ""
    assert "needs the images" in asked["CVAT"]


def test_the_command_exports_for_a_tool_and_says_how_to_load_it(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    project.close()
    assert main(["export", str(project.folder), "--for", "torchvision", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "For torchvision:" in said
    assert f'VOCDetection({str(tmp_path / "out")!r}, year="2012", image_set="train")' in said
    assert "1 image converted to JPEG" in said


def test_an_option_given_besides_goes_before_that_of_the_tool(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    project.close()
    command = ["export", str(project.folder), "--for", "torchvision", "--out", str(tmp_path / "out")]
    assert main([*command, "--coordinates", "float"]) == 0
    assert "<xmin>1.5</xmin>" in (tmp_path / "out" / _XML).read_text()
    assert "1 image converted to JPEG" in capsys.readouterr().out
