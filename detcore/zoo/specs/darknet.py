"""The card of a network of darknet, whatever its `.cfg` says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.plan import Plan, make_plan
from detcore.zoo.darknet.recipe import recipe_of, settings_of
from detcore.zoo.spec import SIDE_STEP, DetectorSpec, InputRule, Recipe, WeightsInfo, option

NETWORKS = {"yolov3-tiny": "YOLOv3-tiny", "yolov2-tiny": "YOLOv2-tiny"}
"""Those that come with Reticle, one `.cfg` each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DarknetOptions:
    network: str = option(
        "yolov3-tiny",
        label="Network",
        help="One that comes with Reticle. A .cfg of your own goes before it.",
        choices=NETWORKS,
    )
    cfg: str = option(
        "",
        label="Own .cfg",
        help="A file of darknet that describes a network; its classes become those of the project.",
        file=".cfg",
    )

    @property
    def text(self) -> str:
        """The `.cfg` that was chosen."""
        return self.cfg or _coming_with_reticle(self.network)


def fit(spec: DetectorSpec, options: DarknetOptions) -> DetectorSpec:
    """The card of the network that was chosen. Raises ConfigError where it makes no sense."""
    plan = _planned(options.text)
    return replace(
        spec,
        parameters=round(plan.numbers / 1e6, 1),
        classes=plan.classes,
        input=replace(spec.input, image_size=plan.image.width),
        recipe=recipe_of(plan.cfg),
        settings=settings_of(plan.cfg),
    )


@lru_cache(maxsize=4)
def _planned(text: str) -> Plan:
    """What the text describes. Cards are asked for often."""
    plan = make_plan(parse_cfg(text))
    if plan.image.width % SIDE_STEP or plan.image.height % SIDE_STEP:
        raise plan.cfg.net.fault("width", f"multiples of {SIDE_STEP} are expected")
    return plan


def _coming_with_reticle(network: str) -> str:
    return (files("detcore.zoo.darknet") / "networks" / f"{network}.cfg").read_text(encoding="utf-8")


SPEC = DetectorSpec(
    id="darknet",
    title="Darknet",
    text="The tiny YOLOs of 2016 and 2018, and whatever a .cfg of yours describes, YOLOv1 to v4. Weights go to and come from "
    "darknet's .weights files.",
    licence="Apache-2.0",
    parameters=8.7,
    family="darknet",
    input=InputRule(image_size=416, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    recipe=Recipe(learning_rate=2e-3, batch_size=8, optimiser="sgd", weight_decay=5e-4),
    weights=WeightsInfo(
        text="Starts from nothing, or from a .weights file of the same network or of its first layers."
    ),
    build="detcore.zoo.detectors.darknet:build",
    deploy="detcore.zoo.detectors.darknet:dense",
    options=DarknetOptions,
    fit=fit,
    masks_ignored=True,
)
