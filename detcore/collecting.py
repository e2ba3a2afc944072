"""The search for cycles of objects, put off while very many are made that have none."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Generator[None, None, None]:
    """Within, Python does not look for cycles: among the objects of a large JSON file that takes half of the
    time of reading it. Of several at once, in threads or within each other, the outermost ends it first."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
