"""The card of EfficientDet, in four sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detcore.zoo.spec import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Cost,
    DetectorSpec,
    InputRule,
    Recipe,
    Triple,
    WeightsInfo,
    option,
)

_HALF: Triple = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One of them: timm's name of its ``backbone``, the ``width`` of pyramid and heads, how many ``rounds`` the pyramid
    has, the side of the smallest anchor in strides; ``parameters`` in millions for three classes. ``lite`` ones leave out what
    small devices are slow at: maps are added without weights, and the activation is ReLU6."""

    title: str
    image_size: int
    backbone: str
    width: int
    rounds: int
    parameters: float
    lite: bool = False
    anchor_scale: float = 4.0
    drop_path: float = 0.2
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD


SIZES: Mapping[str, Size] = {
    "lite0": Size(
        title="lite0, for CPUs",
        image_size=320,
        backbone="tf_efficientnet_lite0",
        width=64,
        rounds=3,
        parameters=3.2,
        lite=True,
        anchor_scale=3.0,
        drop_path=0.0,
        mean=_HALF,
        std=_HALF,
    ),
    "d0": Size(title="D0", image_size=512, backbone="tf_efficientnet_b0", width=64, rounds=3, parameters=3.8),
    "d1": Size(title="D1", image_size=640, backbone="tf_efficientnet_b1", width=88, rounds=4, parameters=6.6),
    "d2": Size(
        title="D2", image_size=768, backbone="tf_efficientnet_b2", width=112, rounds=5, parameters=8.0
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficientDetOptions:
    size: str = option(
        "lite0",
        label="Size",
        help="Larger ones find more in larger images, and are slower.",
        choices={name: size.title for name, size in SIZES.items()},
    )


def fit(spec: DetectorSpec, options: EfficientDetOptions) -> DetectorSpec:
    """The card of one size."""
    size = SIZES[options.size]
    return replace(
        spec,
        parameters=size.parameters,
        input=replace(spec.input, image_size=size.image_size, mean=size.mean, std=size.std),
    )


SPEC = DetectorSpec(
    id="efficientdet",
    title="EfficientDet",
    text="Few parameters for what it finds. lite0 trains on a CPU, D0 to D2 want a GPU, and a published weights file to start from.",
    licence="Apache-2.0",
    parameters=SIZES["lite0"].parameters,
    family="written here",
    extra="timm",
    input=InputRule(image_size=SIZES["lite0"].image_size, mean=_HALF, std=_HALF),
    recipe=Recipe(learning_rate=1e-3, batch_size=8, largest_batch=16),
    weights=WeightsInfo(
        text="Takes a file of the project efficientdet-pytorch whose name begins with tf_efficientdet_ and the size (COCO weights), or an "
        "earlier run. From nothing lite0 needs some hundred steps, the others many thousand."
    ),
    paper="Tan et al., EfficientDet, 2020, arXiv:1911.09070.",
    cost=Cost(macs=0.87, values=57.4),
    build="detcore.zoo.detectors.efficientdet:build",
    deploy="detcore.zoo.parts.post.dense:dense",
    options=EfficientDetOptions,
    fit=fit,
    masks_ignored=True,
)
