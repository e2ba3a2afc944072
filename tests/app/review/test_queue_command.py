"""The command `queue` lists what the window lists, in its order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from detcore.cli import main
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.review.filter import SortOrder
from tests.app.review.review_driving import choose_order


@pytest.mark.parametrize("order", list(SortOrder))
def test_the_command_lists_what_the_window_lists_in_its_order(
    page: ReviewPage, labelled: Project, run: RunFolder, qtbot: QtBot, tmp_path: Path, order: SortOrder
) -> None:
    choose_order(page, order)
    source = page.live.review
    assert source is not None
    known = {SortOrder.COST: source.source.costs, SortOrder.LABEL_ERRORS: source.source.suspicions}.get(order)
    qtbot.waitUntil(lambda: known is None or known.is_known)
    rows = [page.queue_panel.list.model().entry(row) for row in range(page.queue.count)]
    shown = [
        (None if entry.label is None else entry.label.key, entry.detection and entry.detection.run_row)
        for entry in rows
    ]
    assert shown
    out = tmp_path / "queue.json"
    arguments = ["queue", str(labelled.folder), "--run", run.name, "--order", order.word, "--json", str(out)]
    assert main([*arguments, "--threshold", str(page.live.threshold)]) == 0
    listed = json.loads(out.read_text())
    assert [(one["label_id"], one["detection_row"]) for one in listed] == shown


def test_without_a_threshold_the_command_takes_that_of_the_best_f1(
    page: ReviewPage, labelled: Project, run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", str(labelled.folder), "--run", run.name]) == 0
    assert f"from confidence {page.live.threshold:.2f}: {page.queue.count} items" in capsys.readouterr().out


def test_a_split_without_labelled_images_is_refused_with_the_way_out(
    labelled: Project, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", str(labelled.folder), "--run", run.name, "--split", "test"]) == 1
    assert "no labelled image in split test" in capsys.readouterr().err
