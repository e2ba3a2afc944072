"""Which detectors there are."""

from __future__ import annotations

import argparse
import json

from detcore.cli.console import say, table
from detcore.jobs.program import missing_for
from detcore.zoo.catalogue import detectors
from detcore.zoo.spec import DetectorSpec

OWN = "reticle"
"""Whose those are that say nothing of it."""


def models(options: argparse.Namespace) -> int:
    """Every detector with its size, its licence, its weights, and what it lacks here."""
    specs = list(detectors().values())
    lacks = {spec.id: str(missing_for(spec) or "") for spec in specs}
    if options.json:
        say(json.dumps([_record(spec, lacks[spec.id]) for spec in specs], indent=2))
        return 0
    rows = [
        [
            spec.id,
            spec.family or OWN,
            f"{spec.parameters:.1f} M",
            spec.licence,
            str(len(spec.weights.files) or "–"),
            "not installed" if lacks[spec.id] else "",
        ]
        for spec in specs
    ]
    say(table(rows, head=["name", "family", "parameters", "licence", "weights", ""]))
    for text in dict.fromkeys(lacks.values()):
        if text:
            say(f"\n{text}")
    return 0


def _record(spec: DetectorSpec, extra: str) -> dict[str, object]:
    """``extra`` says what is missing to use it here."""
    return {
        "name": spec.id,
        "family": spec.family or OWN,
        "params": round(spec.parameters * 1e6),
        "licence": spec.licence,
        "weights": [file.name for file in spec.weights.files],
        "extra": extra,
    }
