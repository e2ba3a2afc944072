"""Prints files and classes that are larger than usual. A hint, not a rule: a class is what one sentence can describe."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LONG_FILE, LONG_CLASS, MANY_METHODS = 400, 300, 20
FOLDERS = ("app", "detcore", "tests")


def large(root: Path) -> Iterator[str]:
    """A line for each."""
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(root)
        if (lines := len(text.splitlines())) > LONG_FILE:
            yield f"{name}: {lines} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                methods = len({item.name for item in node.body if isinstance(item, ast.FunctionDef)})
                if lines > LONG_CLASS or methods > MANY_METHODS:
                    yield f"{name}: {node.name} has {lines} lines, {methods} methods"


if __name__ == "__main__":
    found = list(large(Path(__file__).resolve().parents[1]))
    sys.stdout.write("".join(f"larger than usual: {line}\n" for line in found))
