"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples on every machine: a run that passed once passes again.
settings.register_profile("reticle", derandomize=True, deadline=None)
settings.load_profile("reticle")


@pytest.fixture(autouse=True)
def _exact_floats() -> Iterator[None]:
    """Training makes its process treat the smallest numbers as zero; the next test wants them back."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real datasets in ``../shared/data``, for tests marked ``data``: they are run where someone asks for them."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no datasets beside the checkout")
    return folder
