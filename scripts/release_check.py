"""Tells whether what is checked out can be released: version, changelog, tree, licences, checks, tests, package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "build" / "release"
NEEDED_FILES = (
    "app/shell/application.py",
    "detcore/project/schema.sql",
    *(f"resources/weights/{path.name}" for path in sorted((ROOT / "resources" / "weights").iterdir())),
    "resources/guide/guide.md",
)


def version_of(root: Path) -> str:
    text = (root / "detcore" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "([^"]*)"$', text, re.MULTILINE)
    return found[1] if found else ""


def problems_of_version(version: str, changelog: str) -> Iterator[str]:
    """A version is released once, with a section of the changelog that has its date, above all others."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"detcore/version.py: {version} is no version to release, such as 1.2.3"
    heading = next((line for line in changelog.splitlines() if line.startswith("## ")), "")
    if not re.fullmatch(re.escape(f"## {version} (") + r"\d{4}-\d\d-\d\d\)", heading):
        yield f'CHANGELOG.md: the first section is "{heading}" and not "## {version} (YEAR-MONTH-DAY)"'


def problems_of_tree(root: Path, version: str) -> Iterator[str]:
    """What is released is what is committed, and its tag is new."""
    if changed := _git(root, "status", "--porcelain"):
        yield f"not committed: {', '.join(line[3:] for line in changed.splitlines())}"
    if _git(root, "tag", "--list", f"v{version}"):
        yield f"the tag v{version} is there already"


def problems_of_wheel(wheel: Path) -> Iterator[str]:
    """Files that the program reads and a mistake in ``package-data`` would leave out."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    yield from (f"{wheel.name}: {name} is missing" for name in NEEDED_FILES if name not in inside)


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def _passes(*command: str) -> bool:
    sys.stdout.write(f"--- {' '.join(command)}\n")
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def main() -> int:
    version = version_of(ROOT)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    problems = [*problems_of_version(version, changelog), *problems_of_tree(ROOT, version)]
    commands = (
        ("make", "licences"),
        ("make", "check"),
        ("make", "test"),
        (sys.executable, "-m", "build", "--outdir", str(PACKAGES)),
    )
    if not problems:
        shutil.rmtree(PACKAGES, ignore_errors=True)
        failed = next((command for command in commands if not _passes(*command)), None)
        problems = [f"{' '.join(failed)} failed"] if failed else []
    if not problems:
        problems = [problem for wheel in PACKAGES.glob("*.whl") for problem in problems_of_wheel(wheel)]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if not problems:
        sys.stdout.write(f"{version} can be released; its packages are in {PACKAGES}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
