"""What is looked at before a release, and the site: each finding is told, and what is in order is passed over."""

from __future__ import annotations

import re
import subprocess
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from scripts import docs, licences, release_check

GOOD = "# Changelog\n\n## 1.2.3 (2026-05-04)\n\n- New.\n\n## 1.2.2\n"


def test_a_version_with_a_dated_section_on_top_can_be_released() -> None:
    assert list(release_check.problems_of_version("1.2.3", GOOD)) == []


@pytest.mark.parametrize(
    ("version", "changelog", "told"),
    [
        ("1.2.3.dev0", GOOD.replace("1.2.3", "1.2.3.dev0"), "no version to release"),
        ("1.2.3", GOOD.replace("2026-05-04", "unreleased"), "1.2.3 (unreleased)"),
        ("1.2.2", GOOD, 'not "## 1.2.2 (YEAR-MONTH-DAY)"'),
        ("1.2.3", "", 'the first section is ""'),
    ],
)
def test_a_version_or_section_that_is_not_ready_is_told(version: str, changelog: str, told: str) -> None:
    (problem,) = release_check.problems_of_version(version, changelog)
    assert told in problem


def test_the_version_is_read_from_where_the_program_has_it() -> None:
    from detcore.version import VERSION

    assert release_check.version_of(release_check.ROOT) == VERSION


def test_what_is_not_committed_and_a_tag_that_is_there_are_told(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "First")
    assert list(release_check.problems_of_tree(tmp_path, "1.2.3")) == []
    (tmp_path / "new.txt").write_text("new")
    git("tag", "v1.2.3")
    assert list(release_check.problems_of_tree(tmp_path, "1.2.3")) == [
        "not committed: new.txt",
        "the tag v1.2.3 is there already",
    ]


def test_a_wheel_without_the_guide_is_told(tmp_path: Path) -> None:
    wheel = tmp_path / "reticle-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in release_check.NEEDED_FILES[:-1]:
            archive.writestr(name, "")
    assert list(release_check.problems_of_wheel(wheel)) == [
        f"{wheel.name}: resources/guide/guide.md is missing"
    ]


@pytest.mark.parametrize(
    ("licence", "binds"),
    [
        ("MIT", False),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("LGPL-3.0-only OR GPL-2.0-only", False),
        ("MPL-2.0 AND MIT", False),
        ("AGPL-3.0", True),
        ("GPL-3.0-or-later", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("MIT AND GPL-3.0-only", True),
    ],
)
def test_a_licence_that_would_bind_all_of_reticle_is_known(licence: str, binds: bool) -> None:
    assert licences.Package(name="a", version="1", licence=licence).binds is binds


class _Installed:
    def __init__(self, **fields: str) -> None:
        self.metadata = Message()
        for name, value in fields.items():
            self.metadata[name.replace("_", "-")] = value


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT", "License": "other"}, "MIT"),
        ({"License": "BSD"}, "BSD"),
        (
            {"License": "Text of\nmany lines", "Classifier": "License :: OSI Approved :: MIT License"},
            "MIT License",
        ),
        ({"Classifier": "Programming Language :: Python"}, "unknown"),
    ],
)
def test_a_licence_is_read_from_whichever_field_names_it(fields: dict[str, str], licence: str) -> None:
    installed: Any = _Installed(**fields)
    assert licences.licence_of(installed) == licence


def test_what_a_requirement_brings_is_listed_once_and_without_what_it_asks_for_in_extras_only() -> None:
    found = [package.name for package in licences.needed(["pytest", "pluggy"])]
    assert sorted(set(found)) == sorted(found)
    assert {"pytest", "pluggy", "iniconfig"} <= set(found)
    assert "hypothesis" not in found  # an extra of pytest


def test_pages_show_pictures_and_tables_and_lead_to_one_another(tmp_path: Path) -> None:
    docs.write_pages(tmp_path)
    for name in docs.pages():
        text = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        shown = re.findall(r'<img src="([^"]+)"', text)
        links = re.findall(r'<a href="([^":]+)">', text)
        assert [path for path in shown if not (tmp_path / path).is_file()] == []
        assert [
            path for path in links if not path.startswith("api/") and not (tmp_path / path).is_file()
        ] == []
    assert "<table>" in (tmp_path / "glossary.html").read_text(encoding="utf-8")
    assert "<img" in (tmp_path / "guide.html").read_text(encoding="utf-8")
