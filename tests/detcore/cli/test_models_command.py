"""The list of detectors on the command line."""

from __future__ import annotations

import json

import pytest

from detcore.cli import main
from detcore.zoo.catalogue import detectors


def test_it_lists_every_detector_with_size_licence_and_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in told] == list(detectors())
    assert all(list(item) == ["name", "family", "params", "licence", "weights", "extra"] for item in told)
    ssd = next(item for item in told if item["name"] == "ssdlite320")
    assert ssd["params"] == 2_200_000
    assert "ssdlite320-coco" in ssd["weights"]
    assert (ssd["family"], ssd["licence"], ssd["extra"]) == ("torchvision", "BSD-3-Clause", "")
    extras = {item["name"]: item["extra"] for item in told}
    assert (extras["d-fine"], extras["efficientdet"], extras["reticle-s"]) == ("detr", "timm", "")


def test_the_table_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(detectors())]] == list(detectors())
