"""The report as PDF: all that the web page says, on pages in which nothing is cut."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.printing.contents import contents
from app.printing.drawings import Drawing
from app.printing.matrix import MatrixBlock
from app.printing.report_pdf import paginate, write_pdf
from app.printing.text import Text
from app.services.theme import LIGHT
from detcore.cli import main
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.report.blocks import LargePlot, Matrix, Page, Pair, Section
from detcore.report.html import html_page
from detcore.report.write import write_report
from tests.detcore.report.conftest import project, run

WIDTH, HEIGHT = 5270.0, 7400.0

__all__ = ["project", "run"]


@pytest.fixture
def page(project: Project, run: RunFolder, tmp_path: Path) -> Page:
    """Of a project whose names look like markup."""
    written: list[Page] = []
    write_report(
        project,
        run,
        tmp_path / "report.pdf",
        image_ids=np.array([1, 2, 3, 4], np.int64),
        scope="All images",
        write=lambda path, shown: (written.append(shown), path.write_text("x"))[0],
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
    page: Page, tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []
    paint = Text.paint

    def note(text: Text, painter: QPainter, x: float, y: float, width: float) -> None:
        painted.extend(text.text.split())
        paint(text, painter, x, y, width)

    monkeypatch.setattr(Text, "paint", note)
    write_pdf(tmp_path / "report.pdf", page)
    body = fromstring(html_page(page)).find("body")
    assert body is not None
    said = words(body)
    assert len(said) > 300
    assert sorted(set(said) - set(painted)) == []
    assert "<script>alert(1)</script>" in painted


def test_pages_are_numbered_and_as_many_as_the_file_holds(
    page: Page, tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
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


def test_no_figure_is_cut_and_none_covers_another(page: Page, qapp: QApplication) -> None:
    for height in (HEIGHT, HEIGHT / 2):
        for placed in paginate(contents(page, width=WIDTH), width=WIDTH, height=height):
            end = 0.0
            for one in placed:
                assert one.y >= end
                end = one.y + one.block.height(WIDTH)
            assert end <= height


def large_plots(page: Page) -> list[LargePlot]:
    sections = [side for part in page.parts if isinstance(part, Pair) for side in (part.left, part.right)]
    return [block for section in sections for block in section.blocks if isinstance(block, LargePlot)]


def test_a_plot_keeps_its_shape_and_its_colours(page: Page, qapp: QApplication) -> None:
    curve, histogram = (Drawing(large.plot) for large in large_plots(page))
    assert curve.height(840.0) == pytest.approx(600.0)
    picture = QImage(420, 600, QImage.Format.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    curve.paint(painter, 0.0, 0.0, 420.0)
    histogram.paint(painter, 0.0, 300.0, 420.0)
    painter.end()
    # all found from a recall of 0 on: the curve begins at a precision of 1, 8 below the edge, 34 beside it
    assert picture.pixelColor(40, 8) == QColor(LIGHT.accent)
    colors = {picture.pixelColor(x, y).name() for x in range(420) for y in range(300, 600)}
    assert {LIGHT.tp, LIGHT.fp} <= colors
    # nothing is painted outside its place
    assert {picture.pixelColor(x, 1).name() for x in range(420)} == {"#ffffff"}


def test_a_matrix_of_forty_classes_stands_on_one_page(qapp: QApplication) -> None:
    names = [f"a class with a long name {number}" for number in range(40)] + ["background"]
    matrix = Matrix(corner="label", names=names, rows=[[] for _ in names])
    assert MatrixBlock(matrix).height(WIDTH) < HEIGHT


def test_letters_that_no_pdf_could_hold_do_not_stop_it(
    page: Page, tmp_path: Path, qapp: QApplication
) -> None:
    strange = Section("d\x0bo\x00g 猫\U0001f431", page.parts[1].left.blocks)
    write_pdf(tmp_path / "report.pdf", replace(page, title="\x0b\x00", parts=(*page.parts, strange)))
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_file_that_cannot_be_written_is_told(page: Page, tmp_path: Path, qapp: QApplication) -> None:
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
