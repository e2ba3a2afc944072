"""What contributors are told is so: commands and files that are named are there, and machines check what people do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("CONTRIBUTING.md", "README.md", "SECURITY.md", ".github/pull_request_template.md")
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text(encoding="utf-8"))
JOB: dict[str, Any] = WORKFLOW["jobs"]["checks"]


def targets() -> dict[str, str]:
    """The commands of each target of the Makefile."""
    parts = re.split(
        r"^([a-z-]+):[^\n]*\n", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE)) <= set(targets())


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`([\w./-]+/[\w.-]+\.\w+)`|\]\(([\w./-]+)\)", text)
    assert [name for pair in named for name in pair if name and not (ROOT / name).exists()] == []


def test_help_names_every_target() -> None:
    shown = set(re.findall(r'"make ([a-z-]+) ', targets()["help"]))
    assert shown | {"help", "setup"} == set(targets())


def test_ruff_before_a_commit_is_the_ruff_of_make_check() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (ruff,) = [repo["rev"] for repo in config["repos"] if "ruff" in repo["repo"]]
    assert f"ruff=={ruff[1:]}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_workflow_runs_on_three_systems_and_on_three_versions_of_python() -> None:
    matrix = JOB["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["system"]} == {"ubuntu", "windows", "macos"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]


@pytest.mark.parametrize("target", ["check", "test"])
def test_windows_which_has_no_make_runs_the_same_commands(target: str) -> None:
    (by_hand,) = [step["run"] for step in JOB["steps"] if step.get("name") == target]
    commands = re.findall(r"(?:-m|bin/)\s*((?:ruff|pyright|lint-imports|pytest)\b.*)", targets()[target])
    assert commands
    assert [command for command in commands if command not in by_hand] == []


@pytest.mark.parametrize("form", ["fault.yml", "wish.yml"])
def test_a_form_asks_for_something(form: str) -> None:
    read = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / form).read_text(encoding="utf-8"))
    assert read["name"]
    assert read["description"]
    assert any(part.get("validations", {}).get("required") for part in read["body"])
