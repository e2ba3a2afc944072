"""Rules of the code base that no linter knows: sizes, what imports what at run time, what is never written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("app", "detcore", "resources", "scripts", "tests")
WITH_TORCH = (
    "detcore.data",
    "detcore.deploy",
    "detcore.inference",
    "detcore.jobs.child.describing",
    "detcore.jobs.child.handing",
    "detcore.jobs.child.learning",
    "detcore.jobs.child.predicting",
    "detcore.jobs.child.shared_folds",
    "detcore.jobs.child.worker",
    "detcore.training",
    "detcore.zoo.base",
    "detcore.zoo.building",
    "detcore.zoo.checkpoint",
    "detcore.zoo.class_rows",
    "detcore.zoo.darknet.heads",
    "detcore.zoo.darknet.layers",
    "detcore.zoo.darknet.losses",
    "detcore.zoo.darknet.network",
    "detcore.zoo.darknet.weights_file",
    "detcore.zoo.detectors",
    "detcore.zoo.folding",
    "detcore.zoo.outlining",
    "detcore.zoo.parts",
    "detcore.zoo.running",
    "detcore.zoo.summary",
    "detcore.zoo.weights",
)

_BLOCKED_IMPORT = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked here")
        return None

sys.meta_path.insert(0, Blocker())
for module in {modules!r}:
    importlib.import_module(module)
"""


def python_files() -> list[Path]:
    """Every Python file of the project."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def modules_of(package: str) -> list[str]:
    """Dotted names of all modules of a package, from its files."""
    names = [path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / package).rglob("*.py")]
    return sorted(".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in names)


def is_below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def run_python(code: str) -> None:
    """Run code in a process of its own; what it printed is the failure's text."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def imported_with_blocked(modules: list[str], blocked: tuple[str, ...]) -> None:
    run_python(_BLOCKED_IMPORT.format(blocked=blocked, modules=modules))


def syntax_trees() -> Iterator[tuple[str, ast.Module]]:
    for path in python_files():
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def tracked_text_files() -> Iterator[tuple[str, str]]:
    """Path and content of every file in git that is text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_the_page_on_the_architecture_shows_the_floors_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = [line[11:] for line in page.split("```")[1].strip().splitlines()]
    floors = {
        item["containers"][0]: item["layers"] for item in contracts["contracts"] if item["type"] == "layers"
    }
    assert drawn == [*floors["app"], *floors["detcore"]]


def test_the_page_on_the_architecture_names_every_folder() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = [
        path.name
        for package in ("app", "detcore")
        for path in (ROOT / package).iterdir()
        if path.is_dir() and path.name != "__pycache__"
    ]
    assert [name for name in folders if f"`{name}/`" not in page] == []


def test_packages_have_no_loose_modules_but_the_ground() -> None:
    """Where a line belongs is told by a folder."""
    assert [path.name for path in (ROOT / "app").glob("*.py")] == ["__init__.py"]
    ground = {
        "__init__",
        "atomic",
        "boxes",
        "collecting",
        "errors",
        "foreign_ids",
        "options",
        "plugins",
        "types",
        "untrusted_json",
        "version",
        "wording",
    }
    assert {path.stem for path in (ROOT / "detcore").glob("*.py")} == ground


def test_detcore_imports_without_qt() -> None:
    """A server that only trains has no PySide6."""
    imported_with_blocked(modules_of("detcore"), ("PySide6", "shiboken6", "pyqtgraph", "qtawesome", "app"))


def test_what_the_window_uses_of_detcore_imports_without_torch() -> None:
    modules = [module for module in modules_of("detcore") if not is_below(module, WITH_TORCH)]
    assert "detcore.types" in modules
    imported_with_blocked(modules, ("torch", "torchvision"))


def test_the_app_imports_without_torch() -> None:
    """All of it, so that the window opens at once and a crash of CUDA cannot take it along."""
    imported_with_blocked(modules_of("app"), ("torch", "torchvision"))


def test_the_command_line_opens_the_window_without_torch() -> None:
    run_python("import sys, app.shell.application, detcore.cli; assert 'torch' not in sys.modules")


def test_nothing_names_a_package_host_or_a_path_of_one_machine() -> None:
    # Pieced together, or this file would name them.
    hosts = ["py" + "pi.org", "python" + "hosted", "npm" + "js", "deb." + "debian"]
    forbidden = re.compile("|".join([*map(re.escape, hosts), r"(?<![\w.])/wo" + "rk/"]))
    found = {
        f"{name}:{number}"
        for name, text in tracked_text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if forbidden.search(line)
    }
    assert not found, "\n".join(sorted(found))


def _loads_code(call: ast.Call) -> bool:
    """Whether a call could run code that a data file brings: a pickle, or one inside a torch or numpy file."""
    function = ast.unparse(call.func)
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if function.endswith(("pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load")):
        return True
    if function == "torch.load":
        return keywords.get("weights_only") != "True"
    return function.endswith("load") and keywords.get("allow_pickle") == "True"


def test_no_data_file_can_bring_code_along() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree in syntax_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _loads_code(node)
    ]
    assert not found, "\n".join(found)


def test_one_module_each_reads_json_and_arrays() -> None:
    """What a file brings is never trusted: deep nesting, kinds and claimed sizes are looked at in one place."""
    readers = {
        "json.load": (),
        "json.loads": ("detcore/untrusted_json.py",),
        "np.load": (),
        "zipfile.ZipFile": ("detcore/project/columns.py", "detcore/exchange/packing.py"),
    }
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node.func)}"
        for name, tree in syntax_trees()
        if name.startswith(("app/", "detcore/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name not in readers.get(ast.unparse(node.func), (name,))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ("torch.load(path)", True),
        ("torch.load(path, weights_only=False)", True),
        ("torch.load(path, weights_only=True)", False),
        ("pickle.loads(data)", True),
        ("np.load(path, allow_pickle=True)", True),
        ("np.load(path, allow_pickle=False)", False),
    ],
)
def test_the_rule_against_code_in_data_files_works(code: str, bad: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _loads_code(call) is bad
