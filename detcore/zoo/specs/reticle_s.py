"""The card of Reticle S."""

from __future__ import annotations

from detcore.zoo.spec import DetectorSpec, InputRule, Recipe, WeightsInfo

SPEC = DetectorSpec(
    id="reticle-s",
    title="Reticle S",
    text="Compact and anchor-free, made to learn from some hundred images without pretrained "
    "weights. Trains in minutes on a processor. The right first choice.",
    licence="Apache-2.0",
    parameters=1.2,
    # Near those of ImageNet, and alike for the channels: what is grey stays grey.
    input=InputRule(image_size=320, mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225)),
    recipe=Recipe(learning_rate=2.5e-3, batch_size=8, optimiser="muon", small_until=0.5),
    weights=WeightsInfo(text="Starts from nothing, or from the best weights of an earlier run."),
    build="detcore.zoo.detectors.reticle_s:build",
    deploy="detcore.zoo.detectors.reticle_s:dense",
    smooths_labels=True,
)
