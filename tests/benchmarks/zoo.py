"""Every detector on one small set: what it reaches in the same minutes, how fast it looks, what it holds.

python -m tests.benchmarks zoo --data DIR --out FILE.json [--minutes 5] [--models fcos "compose:head=retina" …]

Trained on the blood cells (``DIR/bccd``) from nothing, at 320 pixels unless a detector makes squares of another size, and
scored by COCO's rules on the test part. ``FILE.json`` has a row for each detector that is done in so many minutes; those are
not trained again, so that a table of hours can be made in parts. What could not be trained is told with the reason, and
tried again the next time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detcore.atomic import atomic_write
from detcore.zoo.catalogue import detectors, find_detector, read_model
from detcore.zoo.installed import missing_for
from tests.benchmarks.race_sets import make_set
from tests.benchmarks.race_trainers import Ours

SMALL = {
    "fcos": ("fcos backbone=resnet18",),
    "retinanet": ("retinanet backbone=resnet18",),
    "faster-rcnn": ("faster-rcnn backbone=mobilenet_v3_large",),
    "darknet": ("darknet network=yolov3-tiny", "darknet network=yolov2-tiny"),
}
"""Forms that learn on two cores within minutes, of detectors that come in several."""


def main(words: Sequence[str]) -> int:
    """Train what is not in the file yet, and print the table."""
    options = _parser().parse_args(words)
    rows: dict[str, dict[str, Any]] = {}
    if options.out.exists():
        rows = json.loads(options.out.read_text(encoding="utf-8"))
    for form in options.models or _forms():
        name = f"{form}, {options.minutes:g} min"
        if "ap" in rows.get(name, {}):
            continue
        sys.stderr.write(f"{name} …\n")
        rows[name] = _trained(form, options.data, seconds=60.0 * options.minutes)
        with atomic_write(options.out) as temporary:
            temporary.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    sys.stdout.write(table(rows) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks zoo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--models", nargs="+", help="detectors, with options as FORM option=value")
    return parser


def _forms() -> list[str]:
    return [form for name in detectors() for form in SMALL.get(name, (name,))]


def _trained(form: str, data: Path, *, seconds: float) -> dict[str, Any]:
    """A row of the table; of what cannot be trained why."""
    model, *chosen = form.split(" ")
    missing = missing_for(find_detector(read_model(model)[0]))
    if missing is not None:
        return {"missing": str(missing)}
    with tempfile.TemporaryDirectory() as scratch:
        project = make_set("bccd", data, Path(scratch))
        try:
            scored = Ours(model, options=tuple(chosen)).run(project, Path(scratch), seconds=seconds, seed=0)
        except subprocess.CalledProcessError as error:
            return {"missing": str(error.stderr or error).strip().splitlines()[-1]}
        run = max((project / "runs").iterdir(), key=lambda path: path.name)
        return {
            "ap": float(scored.figures["AP"]),
            "ap50": float(scored.figures["AP50"]),
            "pace": [scored.pace["1"], scored.pace["2"]],
            "steps": max(event["step"] for event in _steps(run)),
            "memory": max(event.get("memory") or 0 for event in _steps(run)),
        }


def _steps(run: Path) -> list[dict[str, Any]]:
    with (run / "events.jsonl").open(encoding="utf-8") as file:
        return [event for event in map(json.loads, file) if event["event"] == "step"]


def table(rows: dict[str, dict[str, Any]]) -> str:
    """The best first, what could not be trained at the end."""
    lines = [
        "| detector | AP | AP50 | steps | images a second, 1 and 2 threads | memory |",
        "|---|---|---|---|---|---|",
    ]
    done = {form: row for form, row in rows.items() if "missing" not in row}
    for form, row in sorted(done.items(), key=lambda item: -item[1]["ap"]):
        one, two = row["pace"]
        lines.append(
            f"| {form} | {row['ap']:.3f} | {row['ap50']:.3f} | {row['steps']:,} | {one:.1f}, {two:.1f} | {row['memory'] / 1e9:.1f} GB |"
        )
    lines += [f"| {form} | {row['missing']} | | | | |" for form, row in rows.items() if "missing" in row]
    return "\n".join(lines)
