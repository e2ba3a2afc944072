"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session", autouse=True)
def _own_devices(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody makes room for what other tests train at the same time."""
    os.environ["RETICLE_DEVICES"] = str(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real datasets in ``../shared/data``, for tests marked ``data``: they are run where someone asks for them."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no datasets beside the checkout")
    return folder


InstallPlugIn = Callable[..., None]


@pytest.fixture
def install_plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstallPlugIn]:
    """``install_plug_in(group, module, code, name="")`` installs a package of one module, whose ``SPEC`` is an entry point
    of the group, until the test ends. Whoever keeps what entry points name must be told to look again."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    modules: list[str] = []

    def install(group: str, module: str, code: str, *, name: str = "") -> None:
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name or module} = {module}:SPEC\n")
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
        modules.append(module)

    yield install
    for module in modules:
        sys.modules.pop(module, None)
