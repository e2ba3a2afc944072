"""The detectors there are: the built-in ones and those of plug-ins, free of torch.

A plug-in names its ``DetectorSpec`` in the entry-point group ``reticle.detectors``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from detcore.errors import ConfigError
from detcore.plugins import plugins
from detcore.zoo.spec import DetectorSpec
from detcore.zoo.specs import (
    compose,
    darknet,
    efficientdet,
    faster_rcnn,
    fcos,
    reticle,
    retinanet,
    ssd300,
    ssdlite,
    transformers,
    written_here,
)

GROUP = "reticle.detectors"
DEFAULT_MODEL = "reticle-s"
_BUILT_IN = (
    *reticle.CARDS,
    ssdlite.SPEC,
    ssd300.SPEC,
    retinanet.SPEC,
    fcos.SPEC,
    faster_rcnn.SPEC,
    efficientdet.SPEC,
    *transformers.CARDS,
    *written_here.CARDS,
    compose.SPEC,
    darknet.SPEC,
)
_log = logging.getLogger(__name__)


@cache
def detectors() -> Mapping[str, DetectorSpec]:
    """Every detector by its id, the built-in ones first. A plug-in that cannot be loaded, or whose id is taken,
    is logged and left out. Looked up once in a process."""
    found = {spec.id: spec for spec in _BUILT_IN}
    for spec in plugins(GROUP, DetectorSpec):
        if spec.id in found:
            _log.warning("the detector %s of a plug-in is left out: there is one of that id already", spec.id)
        else:
            found[spec.id] = spec
    return found


def find_detector(model: str) -> DetectorSpec:
    """The detector of an id.

    Raises:
        ConfigError: it is not installed.
    """
    spec = detectors().get(model)
    if spec is None:
        raise ConfigError(
            f"the detector {model!r} is not installed",
            hint=f"Install the plug-in that brings it, or choose from {', '.join(detectors())}",
        )
    return spec


def read_model(word: str) -> tuple[str, dict[str, Any]]:
    """The id of a detector and its options, as one word of the command line names them: ``fcos``, a detector with options
    as ``compose:neck=pan,head=fcos``, or a ``FILE.cfg`` of darknet.

    Raises:
        ConfigError: it is not installed, an option is wrong, or the file cannot be read.
    """
    if word.lower().endswith(".cfg"):
        return darknet.SPEC.id, darknet.SPEC.parse_options({"cfg": word})
    model, _, rest = word.partition(":")
    words: dict[str, str] = {}
    name = ""
    for part in rest.split(",") if rest else ():
        first, equals, value = part.partition("=")
        if equals:
            name = first.strip()
            words[name] = value.strip()
        elif name:  # a list, such as that of anchors
            words[name] += f",{part}"
        else:
            raise ConfigError(
                f"{part!r} is no option", hint=f"Name it, as in {model}:option=value,option=value"
            )
    return model, find_detector(model).parse_options(words)


def not_deployable(spec: DetectorSpec) -> ConfigError:
    """What to say of a detector that cannot leave the program."""
    able = ", ".join(other.id for other in detectors().values() if other.deploy)
    return ConfigError(
        f"{spec.title} cannot be made a file that runs elsewhere",
        hint=f"These can: {able}",
    )
