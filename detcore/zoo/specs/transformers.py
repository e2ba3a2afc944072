"""The cards of DETR and of what came after it, which the package transformers brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from detcore.zoo.spec import (
    Cost,
    DetectorSpec,
    InputRule,
    PublishedPlace,
    Recipe,
    Wants,
    WeightsInfo,
    option,
)

EXTRA = "detr"
_LICENCE = "Apache-2.0"
_NETS = "detcore.zoo.detectors.transformers_nets"
_CLIPPED: Mapping[str, Any] = {"max_gradient_norm": 0.1}
"""Gradients of matched queries jump; all of these were published with this limit."""
_PLAIN = InputRule(image_size=640, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""Values in 0..1 as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A published form: its ``title``, ``parameters`` in millions for three classes, where its weights are on the hub, and
    the ``image_size`` that it was published with, where that differs from the card's."""

    title: str
    parameters: float
    hub: str
    image_size: int | None = None


DETR = {
    "resnet50": Size(title="ResNet-50", parameters=41.5, hub="facebook/detr-resnet-50"),
    "resnet101": Size(title="ResNet-101", parameters=60.4, hub="facebook/detr-resnet-101"),
}
CONDITIONAL = {
    "resnet50": Size(title="ResNet-50", parameters=43.4, hub="microsoft/conditional-detr-resnet-50"),
}
DEFORMABLE = {
    "plain": Size(title="Plain", parameters=40.0, hub="SenseTime/deformable-detr"),
    "refined": Size(
        title="Each layer refines the boxes", parameters=40.7, hub="SenseTime/deformable-detr-with-box-refine"
    ),
}
RT_DETR_V2 = {
    "r18": Size(title="S (ResNet-18)", parameters=20.1, hub="PekingU/rtdetr_v2_r18vd"),
    "r34": Size(title="M* (ResNet-34)", parameters=31.3, hub="PekingU/rtdetr_v2_r34vd"),
    "r50": Size(title="L (ResNet-50)", parameters=42.8, hub="PekingU/rtdetr_v2_r50vd"),
}
D_FINE = {
    "n": Size(title="N", parameters=3.7, hub="ustc-community/dfine-nano-coco"),
    "s": Size(title="S", parameters=10.2, hub="ustc-community/dfine-small-coco"),
    "m": Size(title="M", parameters=19.5, hub="ustc-community/dfine-medium-coco"),
}
DEIM_V2 = {
    "atto": Size(title="Atto", parameters=0.5, hub="Intellindust/DEIMv2_HGNetv2_ATTO_COCO", image_size=320),
    "femto": Size(
        title="Femto", parameters=1.0, hub="Intellindust/DEIMv2_HGNetv2_FEMTO_COCO", image_size=416
    ),
    "pico": Size(title="Pico", parameters=1.5, hub="Intellindust/DEIMv2_HGNetv2_PICO_COCO"),
    "n": Size(title="N", parameters=3.6, hub="Intellindust/DEIMv2_HGNetv2_N_COCO"),
}
LW_DETR = {
    "tiny": Size(title="Tiny", parameters=11.7, hub="AnnaZhang/lwdetr_tiny_60e_coco"),
    "small": Size(title="Small", parameters=14.2, hub="AnnaZhang/lwdetr_small_60e_coco"),
    "medium": Size(title="Medium", parameters=27.9, hub="AnnaZhang/lwdetr_medium_60e_coco"),
}
RF_DETR = {
    "nano": Size(title="Nano", parameters=30.2, hub="Roboflow/rf-detr-nano"),
    "small": Size(title="Small", parameters=31.8, hub="Roboflow/rf-detr-small", image_size=512),
    "medium": Size(title="Medium", parameters=33.4, hub="Roboflow/rf-detr-medium", image_size=576),
}
YOLOS = {
    "tiny": Size(title="Tiny", parameters=6.5, hub="hustvl/yolos-tiny"),
    "small": Size(title="Small", parameters=30.7, hub="hustvl/yolos-small"),
    "base": Size(title="Base", parameters=127.7, hub="hustvl/yolos-base", image_size=800),
}
SIZES = {
    "detr": DETR,
    "conditional-detr": CONDITIONAL,
    "deformable-detr": DEFORMABLE,
    "rt-detr-v2": RT_DETR_V2,
    "d-fine": D_FINE,
    "deim-v2": DEIM_V2,
    "lw-detr": LW_DETR,
    "rf-detr": RF_DETR,
    "yolos": YOLOS,
}
"""The forms of each card, by its id."""


def _size(
    sizes: Mapping[str, Size], *, label: str = "Size", help: str = "Larger ones find more and take longer."
) -> str:
    return option(
        next(iter(sizes)), label=label, help=help, choices={name: size.title for name, size in sizes.items()}
    )


def _freeze_norm() -> bool:
    return option(
        False,
        label="Freeze batch norm",
        help="Keep the backbone's statistics of the weights that it starts from, which is better with few images a step. "
        "From nothing leave it off.",
        advanced=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetrOptions:
    size: str = _size(DETR, label="Backbone")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalOptions:
    size: str = _size(CONDITIONAL, label="Backbone")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeformableOptions:
    size: str = _size(DEFORMABLE, label="Boxes", help="Refined boxes are better and cost little.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RtDetrOptions:
    size: str = _size(RT_DETR_V2)
    freeze_norm: bool = _freeze_norm()


@dataclass(frozen=True, slots=True, kw_only=True)
class DFineOptions:
    size: str = _size(D_FINE)
    freeze_norm: bool = _freeze_norm()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeimOptions:
    size: str = _size(DEIM_V2)
    freeze_norm: bool = _freeze_norm()


@dataclass(frozen=True, slots=True, kw_only=True)
class LwDetrOptions:
    size: str = _size(LW_DETR)


@dataclass(frozen=True, slots=True, kw_only=True)
class RfDetrOptions:
    size: str = _size(RF_DETR)


@dataclass(frozen=True, slots=True, kw_only=True)
class YolosOptions:
    size: str = _size(YOLOS)


def _fitted(spec: DetectorSpec, options: Any) -> DetectorSpec:
    """The card of the size that was chosen."""
    size = SIZES[spec.id][options.size]
    rule = spec.input if size.image_size is None else replace(spec.input, image_size=size.image_size)
    return replace(spec, parameters=size.parameters, input=rule)


def _weights(sizes: Mapping[str, Size]) -> WeightsInfo:
    names = ", ".join(size.hub for size in sizes.values())
    return WeightsInfo(
        text=f"Takes COCO weights as they are on huggingface.co ({names}): download model.safetensors and config.json there into "
        "a folder and start from that. Layers that do not fit are listed and start afresh. From nothing it learns next "
        "to nothing from less than some ten thousand images.",
        places=tuple(
            PublishedPlace(url=f"https://huggingface.co/{size.hub}", learnt="COCO", options={"size": name})
            for name, size in sizes.items()
        ),
    )


def _card(
    id: str,
    title: str,
    text: str,
    *,
    options: type[Any],
    rule: InputRule,
    recipe: Recipe,
    paper: str,
    cost: Cost,
    wants: Wants = "gpu",
    deploy: bool = True,
) -> DetectorSpec:
    sizes = SIZES[id]
    return DetectorSpec(
        id=id,
        title=f"{title} (transformers)",
        text=text,
        licence=_LICENCE,
        parameters=next(iter(sizes.values())).parameters,
        family="transformers",
        wants=wants,
        paper=paper,
        cost=cost,
        extra=EXTRA,
        input=rule,
        recipe=recipe,
        weights=_weights(sizes),
        build=f"{_NETS}:build",
        deploy=f"{_NETS}:dense" if deploy else "",
        options=options,
        settings=_CLIPPED,
        fit=_fitted,
        suppression="none",
    )


def _recipe(learning_rate: float, *, backbone: str = "", share: float = 0.1, batch_size: int = 4) -> Recipe:
    return Recipe(
        learning_rate=learning_rate,
        batch_size=batch_size,
        largest_batch=16,
        weight_decay=1e-4,
        rate_groups={f"net.model.{backbone}.": share} if backbone else {},
    )


CARDS = (
    _card(
        "d-fine",
        "D-FINE",
        "The best choice with COCO weights and a GPU: of detectors of its size the one that learns most from some hundred "
        "images. Boxes are distributions that each layer sharpens; no suppression.",
        options=DFineOptions,
        rule=_PLAIN,
        recipe=_recipe(2e-4, backbone="backbone", share=0.25, batch_size=8),
        paper="Peng et al., D-FINE, 2024, arXiv:2410.13842.",
        cost=Cost(macs=3.58, values=83.4),
    ),
    _card(
        "deim-v2",
        "DEIMv2",
        "D-FINE's successor down to half a million parameters, for small devices. Start from COCO weights.",
        options=DeimOptions,
        rule=_PLAIN,
        recipe=_recipe(4e-4, backbone="conv_encoder.model", share=0.5, batch_size=8),
        paper="Huang et al., Real-Time Object Detection Meets DINOv3, 2025, arXiv:2509.20787.",
        cost=Cost(macs=0.38, values=15.8),
        wants="weights",
    ),
    _card(
        "rt-detr-v2",
        "RT-DETRv2",
        "The first DETR that was as fast as a YOLO. Start from COCO weights, on a GPU.",
        options=RtDetrOptions,
        rule=_PLAIN,
        recipe=_recipe(1e-4, backbone="backbone"),
        paper="Lv et al., RT-DETRv2, 2024, arXiv:2407.17140.",
        cost=Cost(macs=30.35, values=169.9),
    ),
    _card(
        "rf-detr",
        "RF-DETR",
        "A DETR on DINOv2, strong on small data sets. Start from COCO weights, on a GPU; images become squares.",
        options=RfDetrOptions,
        rule=InputRule(image_size=384, resize="stretch"),
        recipe=_recipe(1e-4),
        paper="Robinson et al., RF-DETR, 2025.",
        cost=Cost(macs=14.45, values=59.9),
    ),
    _card(
        "lw-detr",
        "LW-DETR",
        "A plain vision transformer and a short decoder, what RF-DETR was made from. Start from COCO weights, on a GPU.",
        options=LwDetrOptions,
        rule=InputRule(image_size=640),
        recipe=_recipe(1e-4),
        paper="Chen et al., LW-DETR, 2024, arXiv:2406.03459.",
        cost=Cost(macs=7.48, values=49.7),
    ),
    _card(
        "deformable-detr",
        "Deformable DETR",
        "Looks at a few points of several maps instead of all of one: learns ten times as fast as DETR, and finds small objects.",
        options=DeformableOptions,
        rule=InputRule(image_size=640),
        recipe=_recipe(2e-4, backbone="backbone"),
        deploy=False,
        paper="Zhu et al., Deformable DETR, 2020, arXiv:2010.04159.",
        cost=Cost(macs=79.03, values=515.9),
    ),
    _card(
        "conditional-detr",
        "Conditional DETR",
        "DETR whose queries are told where to look: learns several times as fast.",
        options=ConditionalOptions,
        rule=InputRule(image_size=640),
        recipe=_recipe(1e-4, backbone="backbone"),
        paper="Meng et al., Conditional DETR, 2021, arXiv:2108.06152.",
        cost=Cost(macs=40.42, values=315.2),
    ),
    _card(
        "detr",
        "DETR",
        "The first detector without anchors and suppression: a hundred queries, each finds one object or none. To learn from; it "
        "needs COCO weights and long training.",
        options=DetrOptions,
        rule=InputRule(image_size=640),
        recipe=_recipe(1e-4, backbone="backbone"),
        paper="Carion et al., End-to-End Object Detection with Transformers, 2020, arXiv:2005.12872.",
        cost=Cost(macs=37.91, values=303.8),
    ),
    _card(
        "yolos",
        "YOLOS",
        "A vision transformer and nothing else: a hundred more tokens are the objects. To learn from.",
        options=YolosOptions,
        rule=InputRule(image_size=512),
        recipe=_recipe(5e-5),
        paper="Fang et al., You Only Look at One Sequence, 2021, arXiv:2106.00666.",
        cost=Cost(macs=6.14, values=45),
    ),
)
"""In the order in which they are offered."""
