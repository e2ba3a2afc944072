"""The format that docs/extending.md shows comes in as a plug-in: installed in a folder, nothing else touched."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QCheckBox, QSpinBox
from pytestqt.qtbot import QtBot

from app.export.form import ExportForm
from app.services.tasks import Tasks
from app.shell.import_dialog import ImportDialog
from detcore.cli.main import main
from detcore.formats import all_formats, detect_format
from detcore.formats.coco.reading import COCO
from detcore.project.project import Project
from tests.conftest import InstallPlugIn

GUIDE = Path(__file__).resolve().parents[2] / "docs/extending.md"


@pytest.fixture
def install(install_plug_in: InstallPlugIn) -> Iterator[InstallPlugIn]:
    """Installs a module, with its code, whose ``SPEC`` is a format."""
    all_formats.cache_clear()
    yield partial(install_plug_in, "reticle.formats")
    all_formats.cache_clear()


@pytest.fixture
def table(install: InstallPlugIn) -> None:
    """The plug-in of the guide."""
    shown = re.search(
        r"## A format in 40 lines.*?```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown is not None
    install("reticle_table", shown[1], name="table")


@pytest.mark.usefixtures("table")
def test_the_example_of_the_guide_is_as_short_as_its_heading_says() -> None:
    assert "table" in all_formats()
    code = Path(sys.modules["reticle_table"].__file__ or "").read_text(encoding="utf-8")
    below_imports = code[code.index("COLUMNS =") :].splitlines()
    assert len([line for line in below_imports if line.strip()]) <= 40


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (100, 80)).save(folder / name)
    (folder / "labels.csv").write_text(
        "filename,class,x1,y1,x2,y2\na.png,cat,10.5,20,30,40\nb.png,dog,1,2,300,4\n", encoding="utf-8"
    )
    return folder


@pytest.mark.usefixtures("table")
def test_commands_import_and_export_with_it(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect_format(labels) == detect_format(labels / "labels.csv") == "table"
    project = tmp_path / "p.reticle"
    assert main(["import", str(project), "--format", "table", str(labels)]) == 0
    told = capsys.readouterr().out
    assert "b.png: " in told  # its box reaches out of the image
    assert "2 boxes on 2 images, 2 new images, 1 problem" in told
    with Project.open(project, read_only=True) as opened:
        assert [box.xyxy for box in opened.all_boxes()] == [(10.5, 20, 30, 40), (1, 2, 100, 4)]

    assert main(["split", str(project), "--ratios", "1", "0", "0"]) == 0
    words = ["export", str(project), "--format", "table", "--whole", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "not in the files: Table knows no splits: 2 images written without." in capsys.readouterr().out
    assert (tmp_path / "out/labels.csv").read_text(encoding="utf-8").splitlines() == [
        "filename,class,x1,y1,x2,y2",
        "a.png,cat,10,20,30,40",
        "b.png,dog,1,2,100,4",
    ]
    again = tmp_path / "again.reticle"
    assert main(["import", str(again), "--format", "table", str(tmp_path / "out")]) == 0
    words = ["export", str(project), "--format", "coco", "--whole", "--out", str(tmp_path / "coco")]
    assert main(words) == 0
    assert "--whole changes nothing in coco: it is for table" in capsys.readouterr().err


@pytest.mark.usefixtures("table")
def test_pages_and_dialogs_list_it(qtbot: QtBot) -> None:
    form = ExportForm()
    qtbot.addWidget(form)
    assert list(form.formats)[-1] == "table"
    form.formats["table"].click()
    whole = form.format_options["table"].fields["whole"]
    assert isinstance(whole, QCheckBox)
    whole.click()
    assert form.options.own.whole
    tasks = Tasks()
    dialog = ImportDialog(tasks)
    qtbot.addWidget(dialog)
    assert dialog.format.findText("Table (CSV)") == dialog.format.count() - 1
    tasks.shut_down()


ODD = """
from dataclasses import dataclass, replace
from detcore.formats.base import ExportReport
from detcore.formats.coco.reading import COCO
from detcore.options import option

@dataclass(frozen=True)
class OddOptions:
    quality: int = option(90, label="Quality", low=1, high=100)
    tidy: bool = option(True, label="Tidy up")
    jpeg: bool = option(False, label="JPEG alone, 100 %")

def write(dataset, out, options, *, copy_images, progress):
    out.mkdir(exist_ok=True)
    return ExportReport(out=out, files=0, images={}, boxes={}, notes=(repr(options),))

SPEC = replace(COCO, name="odd", options=OddOptions, writer=write)
"""


def test_numbers_and_words_that_another_format_has_are_options_too(
    install: InstallPlugIn, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], qtbot: QtBot
) -> None:
    install("reticle_odd", ODD, name="odd")
    for name in ("a", "b"):
        (labels / f"{name}.txt").write_text("0 .5 .5 .1 .1\n")
    assert main(["import", str(tmp_path / "p.reticle"), "--format", "yolo", str(labels)]) == 0
    export = ["export", str(tmp_path / "p.reticle"), "--format", "odd", "--out", str(tmp_path / "out")]
    capsys.readouterr()
    assert main([*export, "--quality", "7", "--no-tidy", "--odd-jpeg"]) == 0
    assert "note: OddOptions(quality=7, tidy=False, jpeg=True)" in capsys.readouterr().out
    assert main(export) == 0
    assert "note: OddOptions(quality=90, tidy=True, jpeg=False)" in capsys.readouterr().out
    assert main([*export, "--quality", "101"]) == 1
    assert "It must be a whole number from 1 to 100" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert "JPEG alone, 100 %" in capsys.readouterr().out

    form = ExportForm()
    qtbot.addWidget(form)
    form.formats["odd"].click()
    quality = form.format_options["odd"].fields["quality"]
    assert isinstance(quality, QSpinBox)
    with qtbot.waitSignal(form.changed):
        quality.stepUp()
    assert form.options.own.quality == 91


ASKING = """
from dataclasses import dataclass, replace
from detcore.formats.yolo.reading import YOLO
from detcore.options import option

@dataclass(frozen=True)
class AskingOptions:
    column: str = option("", label="Column of the class")
    least: int = option(0, label="Least side", low=0)

def read(source, *, image_folder, progress, options=AskingOptions()):
    dataset, problems = YOLO.read(source, image_folder=image_folder, progress=progress)
    classes = [replace(item, name=options.column or item.name) for item in dataset.classes]
    return replace(dataset, classes=classes), problems

SPEC = replace(YOLO, name="asking", reading=AskingOptions, reader=read)
"""


def test_a_format_that_asks_how_to_read_is_answered_on_the_command_line(
    install: InstallPlugIn, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("reticle_asking", ASKING, name="asking")
    (labels / "a.txt").write_text("0 .5 .5 .1 .1\n")
    (labels / "classes.txt").write_text("cat\n")
    command = ["import", str(tmp_path / "p.reticle"), "--format", "asking", str(labels)]
    assert main([*command, "--least", "-1"]) == 1
    assert "It must be a whole number of at least 0" in capsys.readouterr().err
    assert main([*command, "--column", "dog"]) == 0
    with Project.open(tmp_path / "p.reticle") as project:
        assert [item.name for item in project.classes()] == ["dog"]
    assert main(["import", str(tmp_path / "q.reticle"), "--format", "yolo", str(labels), "--least", "3"]) == 0
    assert "note: --least changes nothing in yolo: it is for asking" in capsys.readouterr().err
    with pytest.raises(TypeError, match="asking takes AskingOptions, not int"):
        all_formats()["asking"].read(labels, options=3)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('not today')", "RuntimeError('not today')"),
        ("SPEC = 3", "it is no FormatSpec"),
        ("from detcore.formats.coco.reading import COCO as SPEC", "there is a format 'coco' already"),
        ("", "AttributeError"),
        ("import surely_not_installed", "ModuleNotFoundError"),
    ],
)
def test_a_plug_in_that_does_not_fit_is_logged_and_left_out(
    install: InstallPlugIn, caplog: pytest.LogCaptureFixture, code: str, reason: str
) -> None:
    install("reticle_odd", code, name="odd")
    with caplog.at_level(logging.WARNING):
        assert "odd" not in all_formats()
        assert all_formats()["coco"] is COCO
    assert reason in caplog.text
