"""The report of a run: its figures by hand, nothing in it that data could smuggle in, no other file needed."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from detcore.cli import main
from detcore.errors import Cancelled, EvaluationError, ReticleError
from detcore.evaluation.curves import precision_recall
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Ended, EndReason, Validation, encode
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.project.edits import add_boxes, delete_boxes, update_boxes
from detcore.project.project import Project
from detcore.project.runs import RunFolder, save_detections
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.project.verdicts import add_verdicts
from detcore.report.crops import crop_square, worst_errors
from detcore.report.findings import find, label_changes
from detcore.report.html import html_block
from detcore.report.plots import precision_recall_plot, score_histogram
from detcore.report.tables import score_table
from detcore.report.write import Report, write_report
from detcore.types import Box, Detections, GroundTruth
from tests.columns import ground_truth
from tests.detcore.report.conftest import CAT, DOG, box

IMAGES = np.array([1, 2, 3, 4], np.int64)
VOID = {"meta", "img", "rect", "line", "path", "circle"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, and the text outside of the style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"] and data.strip():
            self.texts.append(data.strip())

    def count(self, tag: str, class_: str) -> int:
        return sum(name == tag and attrs.get("class") == class_ for name, attrs in self.elements)


def report(project: Project, run: RunFolder, out: Path, **options: object) -> tuple[Report, Page]:
    written = write_report(
        project,
        run,
        out,
        image_ids=IMAGES,
        scope="labelled images of the test split",
        threshold=0.5,
        **options,
    )
    return written, Page(out.read_text(encoding="utf-8"))


def test_the_figures_are_those_counted_by_hand(project: Project, run: RunFolder) -> None:
    found = find(project, run, image_ids=IMAGES, scope="labelled images of the test split", threshold=0.5)
    assert (found.counts.tp, found.counts.fp, found.counts.fn) == (7, 2, 3)
    cat, dog = found.class_summaries
    assert (cat.gt_count, cat.tp, cat.fp, cat.fn) == (8, 6, 2, 2)
    assert (dog.gt_count, dog.tp, dog.fp, dog.fn) == (2, 1, 0, 1)
    # boxes of 30x30 are all small; of ten objects seven are found
    small, medium, large = found.sizes
    assert (small.count, small.found, medium.count, large.count) == (10, 7, 0, 0)
    assert medium.ap == large.ar == -1
    assert found.ap_interval.value == pytest.approx(found.coco.stats["AP"], abs=1e-12)
    assert found.ap_interval.low < found.ap_interval.value < found.ap_interval.high
    assert found.trained == 0
    assert not found.changes


def test_the_scores_are_judged_as_counted_by_hand(project: Project, run: RunFolder) -> None:
    found = find(project, run, image_ids=IMAGES, scope="x", threshold=0.5)
    cells = Page(html_block(score_table(found))).texts
    figures = dict(zip(cells[::3], cells[2::3], strict=True))
    # seven found ones score higher than both false ones, the eighth lower: 14 of 16 pairs
    assert figures["AUC"] == "0.875"
    # of ten objects three are missed with up to one false positive in four images, two with two of them:
    # at seven of the nine references 0.3, at the last two 0.2
    assert figures["MR⁻²"] == f"{math.exp((7 * math.log(0.3) + 2 * math.log(0.2)) / 9):.3f}"
    # in bins of 0.05: six hits of 5.28 in all, a hit of 0.8, two misses of 0.75 and 0.6, a hit of 0.3
    assert figures["D-ECE"] == f"{(0.72 + 0.2 + 0.75 + 0.6 + 0.7) / 10:.3f}"


def test_without_a_threshold_f1_is_at_its_best(project: Project, run: RunFolder) -> None:
    # 7 of 7 right from .8 on (F1 14/17), 8th wrong, 9th wrong, 8 of 10 at .3 (F1 16/20, lower)
    found = find(project, run, image_ids=IMAGES, scope="x")
    assert found.threshold == 0.8


def test_the_worst_errors_are_named_with_their_reasons(project: Project, run: RunFolder) -> None:
    false, missed = worst_errors(find(project, run, image_ids=IMAGES, scope="x", threshold=0.5))
    assert [(one.image_id, one.title, one.text) for one in false] == [
        (2, f"{CAT} 0.75", "labelled dog"),
        (3, f"{CAT} 0.60", "nothing labelled here"),
    ]
    assert [(one.image_id, one.box[0], one.text) for one in missed] == [
        (2, 110.0, "not found"),
        (4, 10.0, "found only at 0.30"),
        (4, 60.0, "not found"),
    ]


def test_the_page_is_whole_and_holds_figures_and_pictures(
    project: Project, run: RunFolder, tmp_path: Path
) -> None:
    written, page = report(project, run, tmp_path / "new" / "report.html")
    assert (written.images, written.threshold, written.problems) == (4, 0.5, ())
    assert page.open == []
    assert page.count("figure", "crop") == 5
    assert page.count("div", "tile") == 8
    # one curve of all, one for each class
    assert page.count("path", "curve") == 3
    assert {"7", "2", "3"} <= set(page.texts)
    crops = [attrs["src"] for name, attrs in page.elements if name == "img"]
    assert all(src is not None and src.startswith("data:image/jpeg;base64,") for src in crops)


def test_nothing_is_fetched_and_nothing_runs(project: Project, run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    project.edit(
        add_verdicts,
        [
            Verdict(
                id=0,
                image_id=2,
                run=run.name,
                kind=VerdictKind.AMBIGUOUS,
                class_id=1,
                x1=1,
                y1=1,
                x2=9,
                y2=9,
                note="<img src=x onerror=alert(2)>",
            )
        ],
    )
    run.config.write_text('{"<b>key": "</dd><script>alert(3)</script>"}')
    _, page = report(project, run, out)
    assert not [name for name, _ in page.elements if name in ("script", "link", "iframe", "i", "object")]
    assert not [key for _, attrs in page.elements for key in attrs if key.startswith("on")]
    addresses = [v for _, attrs in page.elements for k, v in attrs.items() if k in ("src", "href", "action")]
    assert all(address is not None and address.startswith("data:") for address in addresses)
    assert "http" not in re.sub(r"base64,[^\"]*", "", out.read_text(encoding="utf-8"))
    text = " ".join(page.texts)
    for name in (CAT, DOG, "<i>pets", "b&c.png", "<img src=x onerror=alert(2)>", "<b>key"):
        assert name in text


def test_a_class_with_a_colour_that_is_none_is_grey(project: Project, run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    with project.database.write() as connection:
        connection.execute("UPDATE class SET color = '#\"><x y' WHERE id = 2")
    _, page = report(project, run, out)
    styles = {attrs.get("style") for name, attrs in page.elements if attrs.get("class") == "swatch"}
    assert "background:#888888" in styles
    assert "x" not in {name for name, _ in page.elements}


def test_a_cross_validation_is_told_by_its_folds_and_its_model(project: Project, tmp_path: Path) -> None:
    run = create_cross_validation(project, TrainConfig(detector="ssdlite320"), folds=2)
    events = [
        Validation(time=750.0, step=90, epoch=0.0, metrics={"AP": 0.369}, per_class={}, best=True),
        Ended(time=0.0, reason=EndReason.COMPLETED),
    ]
    run.events.write_text("".join(f"{encode(event)}\n" for event in events), encoding="utf-8")
    nothing = np.zeros(0, np.int64)
    save_detections(
        run,
        Detections(image_ids=nothing, labels=nothing, boxes=np.zeros((0, 4)), scores=np.zeros(0)),
        image_ids=[1, 2, 3, 4],
    )
    _, page = report(project, run, tmp_path / "report.html")
    assert "12 min 30 s, cross-validation in 2 folds, on unknown" in page.texts
    assert page.texts[page.texts.index("Model") + 1] == "ssdlite320"
    assert page.texts[page.texts.index("learning.minutes") + 1] == "10.0"
    assert "0.369 over all folds" in page.texts


def test_label_changes_are_told_by_image() -> None:
    def truth(*boxes: Box) -> GroundTruth:
        return ground_truth(boxes)

    a, b, c = (replace(box(image_id, 1, 10), id=number) for number, image_id in ((5, 1), (6, 1), (7, 2)))
    new = replace(box(2, 1, 50), id=9)
    found = label_changes(truth(a, b, c), truth(replace(a, x1=11.0, class_id=2), replace(c, class_id=2), new))
    assert (found.added, found.removed, found.moved, found.reclassified) == (1, 1, 1, 2)
    assert found.by_image == {1: (0, 1, 1, 1), 2: (1, 0, 0, 1)}
    assert not label_changes(truth(a, b), truth(b, a))


def test_edits_since_the_run_are_listed(project: Project, run: RunFolder, tmp_path: Path) -> None:
    (first,) = project.edit(add_boxes, [box(3, 2, 150.0)]).boxes
    old = project.boxes(1)[0]
    project.edit(update_boxes, [replace(old, x1=old.x1 + 2)])
    project.edit(delete_boxes, [project.boxes(4)[0].id])
    project.undo()
    found = find(project, run, image_ids=IMAGES, scope="x", threshold=0.5)
    assert found.changes is not None
    assert found.changes.by_image == {1: (0, 0, 1, 0), 3: (1, 0, 0, 0)}
    latest = [(edit.added, edit.changed, edit.removed, edit.image_ids) for edit in found.edits[:2]]
    assert latest == [(0, 1, 0, (1,)), (1, 0, 0, (3,))]
    assert first in {item.id for item in project.boxes(3)}
    _, page = report(project, run, tmp_path / "r.html")
    assert "1 box added, 0 removed, 1 moved, 0 given another class, in 2 images." in page.texts


def test_a_missing_image_leaves_its_picture_out(project: Project, run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "d.png").unlink()
    written, page = report(project, run, tmp_path / "r.html")
    assert [Path(problem.path or "").name for problem in written.problems] == ["d.png"]
    assert page.count("figure", "crop") == 3


def test_images_that_were_not_looked_at_are_refused(project: Project, run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="not looked at 1"):
        find(project, run, image_ids=np.array([1, 99]), scope="x")
    with pytest.raises(EvaluationError, match="no images"):
        find(project, run, image_ids=np.zeros(0, np.int64), scope="x")


def test_a_cancelled_report_leaves_no_file(project: Project, run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        report(project, run, tmp_path / "r.html", progress=lambda done, _total: done < 2)
    assert not list(tmp_path.glob("*r.html"))


def test_a_place_that_cannot_be_written_is_named(project: Project, run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReticleError, match="cannot write the report"):
        report(project, run, tmp_path / "file" / "r.html")


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ((100.0, 80.0, 140.0, 100.0), (80, 50, 80)),  # twice the longer side, about the centre
        ((0.0, 0.0, 40.0, 40.0), (0, 0, 80)),  # moved inside
        ((300.0, 180.0, 320.0, 200.0), (272, 152, 48)),  # never less than 48 pixels
        ((0.0, 0.0, 320.0, 200.0), (0, 0, 320)),  # as large as the image at most; beyond it below
    ],
)
def test_crops_are_squares_around_the_box(
    edges: tuple[float, float, float, float], expected: tuple[int, int, int]
) -> None:
    assert crop_square(edges, width=320, height=200) == expected


def test_the_command_writes_it(project: Project, run: RunFolder, tmp_path: Path, capsys) -> None:
    project.close()
    out = tmp_path / "out.html"
    assert main(["report", str(project.folder), "--run", run.name, "--out", str(out)]) == 0
    assert "4 labelled images not trained on, at a confidence of 0.80" in capsys.readouterr().out
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    other = tmp_path / "out.docx"
    assert main(["report", str(project.folder), "--run", run.name, "--out", str(other)]) == 1
    assert "Name it .html or .pdf" in capsys.readouterr().err
    assert not other.exists()


def test_a_run_that_found_nothing_has_a_report_all_the_same(
    project: Project, run: RunFolder, tmp_path: Path
) -> None:
    save_detections(run, Detections.empty(), image_ids=[1, 2, 3, 4])
    written, page = report(project, run, tmp_path / "r.html")
    assert page.count("figure", "crop") == 10
    assert page.count("path", "curve") == 0
    assert "There are none." in page.texts


def test_plots_stay_inside_their_frames_and_follow_the_curve() -> None:
    steps = np.arange(1, 5001)
    hit = steps % 3 != 0
    curve = precision_recall(hit, int(hit.sum()), 1 - steps / 5001, ap=0.5)
    plot = precision_recall_plot(curve, title="x", color=None, threshold=0.5, large=True)
    (path,) = re.findall(r' d="M([^"]+)"', plot.below)
    points = [tuple(map(float, point.split(","))) for point in path.replace("L", "").split()]
    assert len(points) < 260
    assert all(34 <= x <= 412 and 8 <= y <= 270 for x, y in points)
    # two of three are right throughout, so the curve ends at recall 1 and precision 2/3
    assert points[-1] == (412.0, pytest.approx(270 - 262 * 2 / 3, abs=0.1))


def test_histogram_bars_are_as_high_as_the_square_roots_of_their_counts() -> None:
    plot = score_histogram(np.array([0.0, 0.5, 1.0]), np.array([1, 8]), np.array([3, 0]), threshold=0.25)
    # the axis ends at 10, then 262 pixels high; the frame's floor is at 270
    first, second = 262 * math.sqrt(4 / 10), 262 * math.sqrt(8 / 10)
    assert [(bar.kind, bar.height) for bar in plot.bars] == [
        ("tp", pytest.approx(first / 4, abs=0.1)),
        ("fp", pytest.approx(first * 3 / 4, abs=0.1)),
        ("tp", pytest.approx(second, abs=0.1)),
    ]
    assert [bar.y for bar in plot.bars] == [
        pytest.approx(270 - first / 4, abs=0.1),
        pytest.approx(270 - first, abs=0.1),
        pytest.approx(270 - second, abs=0.1),
    ]


def test_images_without_objects_have_a_report_all_the_same(
    project: Project, run: RunFolder, tmp_path: Path
) -> None:
    project.edit(delete_boxes, [item.id for item in project.all_boxes()])
    _, page = report(project, run, tmp_path / "r.html")
    assert page.count("figure", "crop") == 9
    assert "10 removed" in " ".join(page.texts)
    assert "nan" not in " ".join(page.texts)
