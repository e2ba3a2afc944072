"""The card of a network of darknet, whatever its `.cfg` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.class_count import for_classes
from detcore.zoo.darknet.plan import Plan, make_plan
from detcore.zoo.darknet.recipe import recipe_of, settings_of
from detcore.zoo.darknet.telling import unused_lines
from detcore.zoo.spec import SIDE_STEP, Cost, DetectorSpec, InputRule, Recipe, WeightsInfo, option

NETWORKS = {
    "yolov3-tiny": "YOLOv3-tiny",
    "yolov4-tiny": "YOLOv4-tiny",
    "yolov2-tiny": "YOLOv2-tiny",
    "yolov1-small": "YOLOv1, small",
}
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
    settings = dict(settings_of(plan.cfg))
    if plan.one_size:
        settings["multi_scale"] = 0.0
    return replace(
        spec,
        parameters=round(plan.numbers / 1e6, 1),
        classes=plan.classes,
        input=_input(spec.input, plan),
        recipe=recipe_of(plan.cfg),
        settings=settings,
    )


def _input(rule: InputRule, plan: Plan) -> InputRule:
    """Frames are stretched to the network's size, as darknet does it, unless ``letter_box=1``."""
    image = plan.image
    return replace(
        rule,
        image_size=max(image.width, image.height),
        resize="letterbox" if plan.cfg.net.flag("letter_box") else "stretch",
        aspect=image.height / image.width,
        one_size=plan.one_size,
    )


def notes(options: DarknetOptions, classes: int) -> Sequence[str]:
    """What becomes another in a `.cfg` of the user for so many classes, and what is not used of it. Raises
    ConfigError as ``fit``."""
    if not options.cfg:
        return ()
    plan = _planned(options.cfg)
    _, changes = for_classes(options.cfg, classes)
    told = [str(change) for change in changes]
    if plan.one_size and settings_of(plan.cfg)["multi_scale"]:
        told.append("not used here: random=1, since weights of this network belong to places of one size")
    return [*told, *unused_lines(plan.cfg)]


@lru_cache(maxsize=4)
def _planned(text: str) -> Plan:
    """What the text describes. Cards are asked for often."""
    plan = make_plan(parse_cfg(text))
    if plan.image.width % SIDE_STEP or plan.image.height % SIDE_STEP:
        raise plan.cfg.net.fault("width", f"multiples of {SIDE_STEP} are expected for width and height")
    return plan


def _coming_with_reticle(network: str) -> str:
    return (files("detcore.zoo.darknet") / "networks" / f"{network}.cfg").read_text(encoding="utf-8")


SPEC = DetectorSpec(
    id="darknet",
    title="Darknet",
    text="The tiny YOLOs of 2016 to 2020, and whatever a .cfg of yours describes, YOLOv1 to v4. Weights come from and go to "
    "darknet's .weights files.",
    licence="Apache-2.0",
    parameters=8.7,
    family="darknet",
    input=InputRule(
        image_size=416, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), resize="stretch", smooth=False
    ),
    recipe=Recipe(learning_rate=2e-3, batch_size=8, optimiser="sgd", weight_decay=5e-4),
    weights=WeightsInfo(
        text="Starts from nothing, or from a .weights file of the same network or of its first layers."
    ),
    paper="Redmon and Farhadi, YOLOv3, 2018, arXiv:1804.02767; YOLOv2, 2016, arXiv:1612.08242; Bochkovskiy et al., YOLOv4, 2020, arXiv:2004.10934.",
    cost=Cost(macs=2.72, values=19.4),
    build="detcore.zoo.detectors.darknet:build",
    deploy="detcore.zoo.detectors.darknet:squares",
    options=DarknetOptions,
    fit=fit,
    masks_ignored=True,
    notes=notes,
)
