"""Counts in what the user reads: one image is never "1 images"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale

from app.services import figures
from detcore.wording import counted

ROOT = Path(__file__).resolve().parents[1]
_NO_NOUN = {"is", "was", "has", "does", "of", "as", "this", "its", "less"}
_MANY = re.compile(r" (?!with )(?:[a-z-]+ )?([a-z]+s)\b")


def fixed_plurals(tree: ast.AST) -> Iterator[int]:
    """Lines of texts that put a number before a word that is in the plural whatever the number is."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, text in pairwise(node.values):
            if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
                continue
            found = _MANY.match(str(text.value))
            if found and found[1] not in _NO_NOUN and is_number(value):
                yield node.lineno


def is_number(value: ast.FormattedValue) -> bool:
    """Whether what stands in braces is written as a count is."""
    written = ast.unparse(value.value)
    if written.startswith("counted("):
        return False
    as_thousands = value.format_spec is not None and "," in ast.unparse(value.format_spec)
    return as_thousands or re.search(r"count_text\(|\blen\(|\b(count|number|total)$", written) is not None


def spelt_out(tree: ast.AST) -> Iterator[int]:
    """Lines that choose between a word and its plural themselves."""
    for node in ast.walk(tree):
        choices = node.values if isinstance(node, ast.JoinedStr) else []
        for choice in (value.value for value in choices if isinstance(value, ast.FormattedValue)):
            if isinstance(choice, ast.IfExp) and ast.unparse(choice.test).endswith("== 1"):
                one, many = ast.unparse(choice.body).strip("'"), ast.unparse(choice.orelse).strip("'")
                if many in (one + "s", one + "es"):
                    yield node.lineno


def test_no_text_has_a_plural_that_one_would_contradict() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("app", "detcore")
        for path in sorted((ROOT / package).rglob("*.py"))
        for rule in (fixed_plurals, spelt_out)
        for line in rule(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "use counted():\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ('f"{count_text(n)} images"', True),
        ('f"Found {len(items)} boxes"', True),
        ('f"{count} labelled images"', True),
        ('f"{n:,} files"', True),
        ("""f"{count_text(n)} {'box' if n == 1 else 'boxes'}" """, True),
        ("""f"{n} image{'' if n == 1 else 's'}" """, True),
        ("""f"{counted(n, 'image')} in {folder}" """, False),
        ("""f"{count_text(n)} of {counted(total, 'image')}" """, False),
        ('f"{name} is there"', False),
        ('f"{count_text(done)} was read"', False),
    ],
)
def test_the_rule_finds_what_it_is_for(code: str, bad: bool) -> None:
    tree = ast.parse(code)
    assert bool([*fixed_plurals(tree), *spelt_out(tree)]) is bad


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (2, ("box", "boxes"), "2 boxes"),
        (1, ("image was", "images were"), "1 image was"),
    ],
)
def test_a_count_agrees_with_what_is_counted(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == figures.counted(number, *words) == said


def test_the_window_writes_numbers_as_the_locale_does() -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    try:
        assert figures.counted(1234, "image") == "1.234 images"
        assert figures.counted(0.5, "false positive") == "0,5 false positives"
    finally:
        QLocale.setDefault(before)
    assert counted(1234, "image") == "1,234 images"
