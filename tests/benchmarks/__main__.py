"""Runs the benchmarks, each in a process of its own, and prints one table of all figures.

python -m tests.benchmarks [NAME …] [--json FILE]
python -m tests.benchmarks race …        (hours; see ``race``)
python -m tests.benchmarks pretrain …    (as long as it is told; see ``pretrain``)
python -m tests.benchmarks zoo …         (five minutes a detector; see ``zoo``)
python -m tests.benchmarks effort …      (an hour; see ``effort``)
python -m tests.benchmarks tighten …     (a minute; see ``tighten``)
python -m tests.benchmarks similar …     (a minute; see ``similar``)
python -m tests.benchmarks large …       (a minute or five; see ``large``)
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from detcore.jobs.devices import cores
from tests.benchmarks.figures import Figure, table

APART = ("race", "pretrain", "zoo", "effort", "tighten", "similar", "large")
"""Benchmarks of a command line of their own."""
_ONE = "--one-to-file"


def available() -> list[str]:
    """Names of all benchmarks, without ``bench_``."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def run_here(name: str, out: Path) -> None:
    """Run one benchmark in this process and write its figures."""
    figures = importlib.import_module(f"tests.benchmarks.bench_{name}").main()
    out.write_text(json.dumps([asdict(figure) for figure in figures]), encoding="utf-8")


def run_apart(name: str, out: Path) -> list[Figure] | None:
    """Run one benchmark in a new process, so that none warms or burdens another; None when it failed."""
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.benchmarks", _ONE, str(out), name]
    done = subprocess.run(command, env={"QT_QPA_PLATFORM": "offscreen", **os.environ}, check=False)
    if done.returncode != 0 or not out.exists():
        return None
    return [Figure(**record) for record in json.loads(out.read_text(encoding="utf-8"))]


def main() -> int:
    if sys.argv[1:2] and sys.argv[1] in APART:
        return importlib.import_module(f"tests.benchmarks.{sys.argv[1]}").main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(available())}")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument(_ONE, type=Path, dest="one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names: list[str] = options.names or available()
    unknown = sorted(set(names) - set(available()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(available())}")
    if options.one:
        run_here(names[0], options.one)
        return 0
    return run_all(names, options.json)


def run_all(names: list[str], json_file: Path | None) -> int:
    """Run some benchmarks one after the other. The exit code is 1 when one of them broke."""
    figures: list[Figure] = []
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            sys.stderr.write(f"{name} …\n")
            found = run_apart(name, Path(scratch) / "figures.json")
            if found is None:
                broken.append(name)
            else:
                figures += found
    if json_file:
        json_file.write_text(json.dumps([asdict(figure) for figure in figures], indent=1), encoding="utf-8")
    sys.stdout.write(f"Python {platform.python_version()}, {platform.machine()}, {cores()} cores\n\n")
    sys.stdout.write(table(figures) + "\n")
    if broken:
        sys.stdout.write(f"\nBroken: {', '.join(broken)}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
