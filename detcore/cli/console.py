"""Writing to the terminal: lines, tables, progress bars."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from detcore.atomic import atomic_write


def say(text: str = "") -> None:
    """One line on stdout; where nobody reads it any more the work goes on, and its files are written."""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """One line on stderr, as ``say``."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed from the beginning, as by `>&-`
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        # The reader has left, as `head` does. What is still in the buffer must not fail at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def write_json(file: Path, record: Any) -> None:
    """A JSON file, written whole or not at all."""
    with atomic_write(file) as path:
        path.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def table(rows: Sequence[Sequence[str]], *, head: Sequence[str]) -> str:
    """Columns padded to one width; the first to the left, the others to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


@contextmanager
def progress_bar(title: str, unit: str, *, scaled: bool = False) -> Generator[Callable[[int, int], bool]]:
    """A bar on stderr, as the progress callback of the long functions of detcore; only on a terminal.
    ``scaled`` writes thousands and millions short."""
    with tqdm(desc=title, unit=unit, unit_scale=scaled, disable=None, leave=False) as bar:

        def report(done: int, total: int) -> bool:
            bar.total = total
            bar.update(done - bar.n)
            return True

        yield report
