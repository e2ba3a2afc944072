"""Prints what pyproject.toml asks for, extras included, one requirement a line; what is set up for development."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

LEFT_OUT = ("openvino",)
"""Extras that are not there for every system; ``make openvino`` installs them for their test."""


def requirements(pyproject: Path) -> list[str]:
    """Every dependency and every extra of a project but those ``LEFT_OUT``, in the file's order."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    chosen = [extra for name, extra in extras.items() if name not in LEFT_OUT]
    return [*project["dependencies"], *(requirement for extra in chosen for requirement in extra)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(Path(__file__).parents[1] / "pyproject.toml")) + "\n")
