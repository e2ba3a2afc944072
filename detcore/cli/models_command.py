"""Which detectors there are."""

from __future__ import annotations

import argparse
import json

from detcore.cli.console import say, table
from detcore.zoo.catalogue import detectors
from detcore.zoo.installed import missing_for
from detcore.zoo.spec import DetectorSpec

OWN, PLUG_IN = "reticle", "plug-in"
"""Whose those are that say nothing of it."""


def models(options: argparse.Namespace) -> int:
    """Every detector with its size, its licence, its weights, and what it lacks here."""
    specs = list(detectors().values())
    lacks = {spec.id: str(missing_for(spec) or "") for spec in specs}
    if options.json:
        say(json.dumps([_record(spec) for spec in specs], indent=2))
        return 0
    rows = [
        [
            spec.id,
            _family(spec),
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


def _family(spec: DetectorSpec) -> str:
    return spec.family or (OWN if spec.build.startswith("detcore.") else PLUG_IN)


def _record(spec: DetectorSpec) -> dict[str, object]:
    """``extra`` is that of Reticle which brings what it needs besides PyTorch, "" for nothing."""
    return {
        "name": spec.id,
        "family": _family(spec),
        "params": round(spec.parameters * 1e6),
        "licence": spec.licence,
        "weights": [file.name for file in spec.weights.files],
        "extra": spec.extra,
    }
