"""A network of darknet as darknet's own files: numbers, description and names of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from detcore.deploy.checking import Difference, compare_answers
from detcore.deploy.running import Floats
from detcore.deploy.torch_file import run_module
from detcore.zoo.base import DenseNet
from detcore.zoo.darknet.weights_file import read_weights
from detcore.zoo.detectors.darknet import Darknet
from detcore.zoo.parts.post.dense import Answering, dense

DARKNET = "darknet"
"""The id of the format, and of the detector that it is for."""


def dense_of(detector: Darknet) -> DenseNet:
    """What darknet finds with such files, for their card: frames may be no squares."""
    image = detector.net.plan.image
    return dense(detector, max(image.width, image.height))


def write_darknet(
    detector: Darknet, paths: Sequence[Path], names: Sequence[str], frames: Floats
) -> Difference:
    """The `.weights`, `.cfg` and `.names` of a detector at these paths; how far a network that is read from them
    is from it on frames. Raises ReticleError where they differ, and OSError."""
    weights, cfg, classes = paths
    detector.write_file(weights)
    cfg.write_text(detector.text, encoding="utf-8", newline="\n")
    classes.write_text(
        "".join(f"{' '.join(name.split())}\n" for name in names), encoding="utf-8", newline="\n"
    )
    again = Darknet(cfg.read_text(encoding="utf-8"), detector.num_classes).eval()
    with torch.no_grad():
        read_weights(again.net, weights)
    difference = compare_answers(run_module(Answering(again)), run_module(Answering(detector)), frames)
    difference.check()
    return difference
