"""The card of a network of darknet, whatever its `.cfg` says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detcore.errors import ConfigError
from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.plan import make_plan
from detcore.zoo.darknet.recipe import recipe_of, settings_of
from detcore.zoo.spec import SIDE_STEP, DetectorSpec, InputRule, Recipe, WeightsInfo, option


@dataclass(frozen=True, slots=True, kw_only=True)
class DarknetOptions:
    cfg: str = option(
        "",
        label="Network",
        help="The text of a .cfg file; its classes become those of the project.",
    )


SPEC = DetectorSpec(
    id="darknet",
    title="Any network (darknet)",
    text="What a .cfg file describes: YOLO v1 to v4, tiny ones, your own. It is trained by its own rules, and weights go to and come from "
    "darknet's .weights files.",
    licence="Apache-2.0",
    parameters=8.9,
    family="darknet",
    input=InputRule(image_size=416, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    recipe=Recipe(learning_rate=1e-3, batch_size=8, optimiser="sgd", weight_decay=5e-4),
    weights=WeightsInfo(
        text="Starts from nothing, or from a .weights file of the same network or of its first layers."
    ),
    build="detcore.zoo.detectors.darknet:build",
    deploy="detcore.zoo.detectors.darknet:dense",
    options=DarknetOptions,
    fitted="detcore.zoo.specs.darknet:fitted",
    masks_ignored=True,
)


def fitted(spec: DetectorSpec, options: DarknetOptions) -> DetectorSpec:
    """The card of the network that was chosen.

    Raises:
        ConfigError: none was chosen, or it makes no sense.
    """
    if not options.cfg:
        raise ConfigError("no network was chosen", hint="Choose a .cfg file")
    cfg = parse_cfg(options.cfg)
    plan = make_plan(cfg)
    if plan.image.width % SIDE_STEP or plan.image.height % SIDE_STEP:
        raise cfg.net.fault("width", f"multiples of {SIDE_STEP} are expected")
    return replace(
        spec,
        parameters=round(plan.numbers / 1e6, 1),
        input=replace(spec.input, image_size=plan.image.width),
        recipe=recipe_of(cfg),
        settings=settings_of(cfg),
    )
