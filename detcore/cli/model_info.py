"""What a detector is made of, before anything is trained."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from detcore.cli.console import say, table
from detcore.jobs.program import check_can_train
from detcore.wording import counted
from detcore.zoo.catalogue import find_detector, read_model


def model_info(options: argparse.Namespace) -> int:
    """Parameters and multiply-adds of a detector, in all and layer by layer."""
    check_can_train()
    from detcore.zoo.building import build_detector
    from detcore.zoo.summary import detector_costs

    model, parts = read_model(options.model)
    chosen = {**parts, **find_detector(model).parse_options(dict(options.option or ()))}
    spec = find_detector(model).fitted_to(chosen)
    size: int = options.image_size or spec.input.image_size
    classes: int = options.classes or spec.classes
    detector = build_detector(spec.id, num_classes=classes, image_size=size, options=chosen)
    layers = detector_costs(detector, image_size=size)
    parameters, macs = detector.parameter_count(), sum(layer.macs for layer in layers)
    if options.json:
        about = {"model": spec.id, "classes": classes, "image_size": size}
        record = {**about, "params": parameters, "macs": macs, "layers": [asdict(layer) for layer in layers]}
        say(json.dumps(record, indent=2))
        return 0
    rows = [
        [layer.name, layer.kind, f"{layer.parameters:,}", f"{layer.macs / 1e6:,.2f} M"] for layer in layers
    ]
    say(table(rows, head=["layer", "kind", "parameters", "multiply-adds"]))
    say(
        f"\n{spec.title}, {counted(classes, 'class', 'classes')}, {size} × {size} pixels: "
        f"{parameters / 1e6:.2f} M parameters, {macs / 1e9:.3f} G multiply-adds an image"
    )
    return 0
