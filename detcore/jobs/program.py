"""How the program starts itself: from its sources, installed as a package, or packaged."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError
from detcore.untrusted_json import fits

_MEMORY = ":".join(
    [
        "glibc.malloc.hugetlb=1",  # asks the kernel for large pages where it gives them to those who ask
        f"glibc.malloc.mmap_threshold={1 << 32}",
        f"glibc.malloc.trim_threshold={1 << 34}",
    ]
)
"""How the C library of Linux keeps the memory of a worker. A step of training takes and gives back some gigabytes in
tensors; in pages of 4 KB, which go back to the system each time, half of its time goes by with page tables
(docs/performance.md). See "Memory Allocation Tunables" in the manual of the GNU C library."""
HOW_TO_INSTALL = "pip install 'reticle[train]'"
"""What training needs."""
_KNOWN_SINCE = (2, 35)
"""The version of glibc. An older one takes the last of the three alone, which makes it slower than none."""


def missing_for_training() -> ConfigError | None:
    """What keeps this installation from training and predicting: PyTorch comes with an extra. Nothing is
    loaded to find out."""
    if all(find_spec(name) is not None for name in ("torch", "torchvision")):
        return None
    return ConfigError(
        "PyTorch, which training and prediction need, is not installed",
        hint=f"Install it with: {HOW_TO_INSTALL}",
    )


def check_can_train() -> None:
    """Called before a worker is started that needs PyTorch.

    Raises:
        ConfigError: it is not installed; the hint says how to get it.
    """
    if (missing := missing_for_training()) is not None:
        raise missing


def worker_command(*arguments: str) -> list[str]:
    """The command line of a worker, such as ``worker_command("train", "RUN_DIR")``.

    A packaged program is its own interpreter and gets the verb directly. Installed as a package
    Reticle is started as a module, and what lies in the current folder is not imported (-P).
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker", *arguments]
    root = Path(__file__).resolve().parents[2]
    checkout = _is_checkout(root)
    python = [sys.executable] if checkout else [sys.executable, "-P"]
    start = [*([str(root / "main.py")] if checkout else ["-m", "detcore.cli"]), "worker"]
    return [*python, *start, *arguments]


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a worker is started with by an owner that has this environment; its own tunables come last and hold."""
    given = {**environment, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    own = environment.get("GLIBC_TUNABLES", "")
    if glibc_version() >= _KNOWN_SINCE and not own.startswith(_MEMORY):
        given["GLIBC_TUNABLES"] = f"{_MEMORY}:{own}" if own else _MEMORY
    return given


def glibc_version() -> tuple[int, ...]:
    """That of the C library of this process, such as (2, 36); () where it is another one."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):  # not Linux, or another library
        return ()
    return tuple(int(word) for word in name.removeprefix("glibc ").split(".") if word.isdecimal())


def _is_checkout(root: Path) -> bool:
    """Whether a folder is that of Reticle's sources. A ``main.py`` alone says nothing: beside an installed
    package it is anybody's."""
    try:
        described = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    project: Any = described.get("project")
    return (
        fits(project, "dict[str, Any]") and project.get("name") == "reticle" and (root / "main.py").is_file()
    )
