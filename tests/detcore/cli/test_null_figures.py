"""JSON of the command line: null where there is no figure, by whatever rules."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from detcore.cli.audit_commands import figure_record
from detcore.cli.main import main
from detcore.evaluation.bootstrap import Interval
from detcore.evaluation.compare import Difference
from detcore.evaluation.evaluate import RULES


def change(first: float, second: float) -> Difference:
    value = second - first
    between = Interval(value=value, low=value, high=math.nan, samples=np.array([value]))
    return Difference(first=first, second=second, difference=between, better=math.nan)


def test_a_figure_that_one_of_two_runs_lacks_has_no_difference():
    assert set(figure_record(change(-1.0, 0.5)).values()) == {None, 0.5}
    assert set(figure_record(change(math.nan, math.nan)).values()) == {None}


def test_a_figure_that_falls_from_one_to_zero_is_a_difference_of_minus_one():
    record = figure_record(change(1.0, 0.0))
    assert (record["before"], record["after"], record["difference"]) == (1.0, 0.0, -1.0)
    assert record["high"] is None


@pytest.mark.parametrize("rules", RULES)
def test_evaluate_writes_null_where_nothing_was_to_be_found(rules: str, tmp_path: Path):
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [],
    }
    gt, dt, out = (tmp_path / name for name in ("gt.json", "dt.json", "out.json"))
    gt.write_text(json.dumps(content))
    dt.write_text(json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]))
    assert main(["evaluate", "--gt", str(gt), "--dt", str(dt), "--rules", rules, "--json", str(out)]) == 0
    record = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert record["AP50"] is None
    assert record["per_class"]["a"]["AP50"] is None
    assert -1 not in record.values()
