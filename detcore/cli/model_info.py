"""What a detector is made of, before anything is trained."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.cli.console import say, table
from detcore.errors import ConfigError
from detcore.jobs.program import check_can_train
from detcore.options import read_option_file
from detcore.wording import counted
from detcore.zoo.catalogue import find_detector, read_model
from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.class_count import with_classes
from detcore.zoo.darknet.plan import make_plan
from detcore.zoo.drawing import svg


def model_info(options: argparse.Namespace) -> int:
    """Parameters and multiply-adds of a detector, in all and layer by layer; or its parts as a picture."""
    check_can_train()
    drawing: Path | None = options.drawing
    if drawing is not None and drawing.suffix.lower() != ".svg":
        raise ConfigError(
            f"--drawing writes SVG, not {drawing.suffix or 'that'}", hint="Name a file that ends with .svg"
        )
    from detcore.zoo.building import build_detector
    from detcore.zoo.outlining import outline_of
    from detcore.zoo.summary import detector_costs

    model, parts = read_model(options.model)
    chosen = {**parts, **find_detector(model).parse_options(dict(options.option or ()))}
    spec = find_detector(model).fitted_to(chosen)
    size: int = options.image_size or spec.input.image_size
    frame = spec.input.frame(size)
    classes: int = options.classes or spec.classes
    detector = build_detector(spec.id, num_classes=classes, image_size=size, options=chosen)
    if drawing is not None:
        outline = outline_of(detector, model=spec.id, frame=frame)
        with atomic_write(drawing) as path:
            path.write_text(svg(outline, spec.title), encoding="utf-8")
        return 0
    layers = detector_costs(detector, frame=frame)
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
        f"\n{spec.title}, {counted(classes, 'class', 'classes')}, {frame[1]} × {frame[0]} pixels: "
        f"{parameters / 1e6:.2f} M parameters, {macs / 1e9:.3f} G multiply-adds an image"
    )
    for note in spec.notes_on(chosen, classes=classes):
        say(note)
    return 0


def cfg_classes(options: argparse.Namespace) -> int:
    """A `.cfg` of darknet for another number of classes; says which lines became others."""
    text = read_option_file(options.cfg)
    changed, changes = with_classes(text, parse_cfg(text, options.cfg), options.classes)
    make_plan(parse_cfg(changed, options.cfg))
    for change in changes:
        say(str(change))
    if not changes:
        say(f"it is for {counted(options.classes, 'class', 'classes')} already")
    if options.out is not None:
        try:
            with atomic_write(options.out) as temporary:
                temporary.write_text(changed, encoding="utf-8", newline="")
        except OSError as error:
            raise ConfigError(f"it cannot be written ({error.strerror})", path=options.out) from error
        say(f"written to {options.out}")
    return 0
