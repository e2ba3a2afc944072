"""`link` and `sync`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detcore.cli.main import main
from tests.detcore.exchange.in_place_folders import Foreign, make_folder


def test_a_folder_is_linked_and_what_others_change_is_told_then_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = Foreign("voc")
    image, _ = make_folder(tmp_path / "set", foreign, images=2)
    project = str(tmp_path / "p.reticle")
    assert main(["link", project, str(tmp_path / "set")]) == 0
    assert "2 images are edited in their place" in capsys.readouterr().out
    foreign.write(image, [*foreign.rows(image), ("owl", 1, 2, 30, 40)])
    assert main(["sync", project, "--json", str(tmp_path / "c.json")]) == 1
    assert f"{image.with_suffix('.xml')}: 1 box added" in capsys.readouterr().out
    (record,) = json.loads((tmp_path / "c.json").read_text())
    assert record["differences"][0]["after"]["name"] == "owl"
    assert main(["sync", project, "--take"]) == 0
    assert main(["sync", project]) == 0


def test_a_project_without_a_link_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = Foreign("voc")
    make_folder(tmp_path / "set", foreign, images=1)
    assert main(["new", str(tmp_path / "p.reticle"), "--images", str(tmp_path / "set")]) == 0
    assert main(["sync", str(tmp_path / "p.reticle")]) == 1
    assert "linked with no folder" in capsys.readouterr().err
