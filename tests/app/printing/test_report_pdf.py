"""The report as PDF: all that the web page says, on pages in which nothing is cut."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication

from app.printing.contents import contents
from app.printing.drawings import Plot
from app.printing.matrix import Matrix
from app.printing.pages import paginate
from app.printing.report_pdf import write_pdf
from app.printing.text import Text
from detcore.cli import main
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.report.write import write_report
from tests.detcore.report.conftest import project, run

WIDTH, HEIGHT = 5270.0, 7400.0

__all__ = ["project", "run"]


@pytest.fixture
def page(project: Project, run: RunFolder, tmp_path: Path) -> str:
    """What a browser gets, of a project whose names look like markup."""
    written: list[str] = []
    write_report(
        project,
        run,
        tmp_path / "report.pdf",
        image_ids=np.array([1, 2, 3, 4], np.int64),
        scope="All images",
        write=lambda path, text: (written.append(text), path.write_text(text))[0],
    )
    return written[0]


def words(element: Element) -> list[str]:
    """All that is said outside of drawings and of what is folded away."""
    if element.tag in ("svg", "details"):
        return (element.tail or "").split()
    inside = [word for child in element for word in words(child)]
    return [*(element.text or "").split(), *inside, *(element.tail or "").split()]


def page_count(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def test_everything_that_the_web_page_says_is_on_paper(
    page: str, tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []
    paint = Text.paint

    def note(text: Text, painter: QPainter, x: float, y: float, width: float) -> None:
        painted.extend(text.text.split())
        paint(text, painter, x, y, width)

    monkeypatch.setattr(Text, "paint", note)
    write_pdf(tmp_path / "report.pdf", page)
    body = fromstring(page).find("body")
    assert body is not None
    said = words(body)
    assert len(said) > 300
    assert sorted(set(said) - set(painted)) == []
    assert "<script>alert(1)</script>" in painted


def test_pages_are_numbered_and_as_many_as_the_file_holds(
    page: str, tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []
    monkeypatch.setattr(Text, "paint", lambda text, *_: painted.append(text.text))
    out = tmp_path / "report.pdf"
    write_pdf(out, page)
    pdf = out.read_bytes()
    assert pdf.startswith(b"%PDF-")
    count = page_count(pdf)
    assert count >= 2
    numbers = [text for text in painted if re.fullmatch(r"\d+ / \d+", text)]
    assert numbers == [f"{number} / {count}" for number in range(1, count + 1)]


def test_no_figure_is_cut_and_none_covers_another(page: str, qapp: QApplication) -> None:
    main_part = fromstring(page).find("body/main")
    assert main_part is not None
    for height in (HEIGHT, HEIGHT / 2):
        for placed in paginate(contents(main_part, width=WIDTH), width=WIDTH, height=height):
            end = 0.0
            for one in placed:
                assert one.y >= end
                end = one.y + one.block.height(WIDTH)
            assert end <= height


def test_a_plot_keeps_its_shape(page: str, qapp: QApplication) -> None:
    drawing = fromstring(page).find(".//svg[@class='plot']")
    assert drawing is not None
    assert drawing.attrib["viewBox"] == "0 0 420 300"
    assert Plot(drawing).height(840.0) == pytest.approx(600.0)


def test_a_matrix_of_forty_classes_stands_on_one_page(qapp: QApplication) -> None:
    names = [f"a class with a long name {number}" for number in range(40)] + ["background"]
    assert Matrix("label", names, [[] for _ in names]).height(WIDTH) < HEIGHT


def test_letters_that_no_pdf_could_hold_do_not_stop_it(page: str, tmp_path: Path, qapp: QApplication) -> None:
    write_pdf(tmp_path / "report.pdf", page.replace("dog", "d\x0bo\x00g 猫\U0001f431"))
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_file_that_cannot_be_written_is_told(page: str, tmp_path: Path, qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        write_pdf(tmp_path / "nowhere" / "report.pdf", page)


def test_the_command_line_writes_pdf_when_the_file_is_named_so(
    project: Project,
    run: RunFolder,
    tmp_path: Path,
    qapp: QApplication,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "report.pdf"
    folder = str(project.folder)
    project.close()
    assert main(["report", folder, "--run", run.name, "--split", "test", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"%PDF-")
    assert f"{out}: 4 labelled images of the test split" in capsys.readouterr().out
