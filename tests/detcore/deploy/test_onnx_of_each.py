"""Every card that says so is written as ONNX and gives there what it gives in torch: builds as small as their code allows, for
writing takes a second for some ten operations. One of each kind is always written, the others are with ``-m slow``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from detcore.deploy.checking import compare_answers
from detcore.deploy.onnx_file import onnx_model, run_onnx, write_onnx
from detcore.deploy.torch_file import record, run_module
from detcore.zoo.base import Detector
from detcore.zoo.building import build_dense, build_detector
from detcore.zoo.catalogue import detectors, find_detector
from detcore.zoo.detectors import centernet, composed, efficientdet
from detcore.zoo.installed import missing_for
from tests.detcore.deploy.conftest import coloured_squares
from tests.detcore.deploy.test_dense_nets import ONE_OF_EACH_KIND, spread_about
from tests.detcore.zoo.darknet.test_cfg import SMALL

SIDE = 64


class Strides(nn.Module):
    """Instead of a backbone three convolutions, which give maps at strides 8, 16 and 32."""

    widths = (8, 8, 8)
    feature_info = SimpleNamespace(channels=lambda: [8, 8, 8])

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 8, 8)
        self.halves = nn.ModuleList(nn.Conv2d(8, 8, 2, 2) for _ in range(2))

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = [self.stem(images)]
        for half in self.halves:
            maps.append(half(maps[-1]))
        return maps


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composed, "_backbone", Strides)
    monkeypatch.setattr(composed, "FcosHead", partial(composed.FcosHead, depth=1))
    monkeypatch.setattr(centernet, "SplitTrunk", Strides)
    monkeypatch.setattr(efficientdet, "timm_features", Strides)
    monkeypatch.setattr(efficientdet, "SeparableHead", partial(efficientdet.SeparableHead, depth=1))
    size = replace(efficientdet.SIZES["lite0"], rounds=1, width=8)
    monkeypatch.setattr(efficientdet, "SIZES", {"lite0": size})
    monkeypatch.setattr(efficientdet, "_LEVELS", 3)


def queries(card: str, *, one_map: bool = False) -> Detector:
    """One of transformers', with few layers."""
    tiny = import_module("tests.detcore.zoo.tiny_transformers")
    config = tiny.TINY[card](3)
    if not one_map:
        config.num_hidden_layers = config.decoder_layers = 1
    else:
        config.backbone_config.out_features = ["stage4"]
        config.encoder_in_channels, config.decoder_in_channels = [32], [32]
        config.encode_proj_layers, config.feat_strides = [0], [32]
        config.num_feature_levels, config.num_queries = 1, 4
        config.decoder_n_levels = 1  # what one of them calls it
    detector = tiny.tiny_detector_of(card, config)
    if card in ("lw-detr", "rf-detr"):
        detector.net.class_embed.weight.data.mul_(3.0)  # else scores are nearly the same
    return detector


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "compose": {"neck": "fpn", "width": 16},
    "darknet": {"cfg": SMALL},
    "yolo-anchors": {},
    "dssd": {},
    "centernet": {},
    "efficientdet": {},
}
QUERIES: Mapping[str, Callable[[], Detector]] = {
    card: partial(queries, card, one_map=card in ("d-fine", "deim-v2", "rt-detr-v2"))
    for card in (
        "d-fine",
        "deim-v2",
        "rt-detr-v2",
        "lw-detr",
        "rf-detr",
        "conditional-detr",
        "detr",
        "yolos",
    )
}
ELSEWHERE = {"reticle-s", *ONE_OF_EACH_KIND}
"""What other tests here write."""
OF_THE_SAME_CODE = {"reticle-n", "reticle-m", "ssd300-vgg16", "retinanet"}


QUICK = ("darknet", "centernet", "yolo-anchors", "yolos")


def test_every_card_that_says_so_is_written_by_a_test() -> None:
    says_so = {spec.id for spec in detectors().values() if spec.deploy}
    assert says_so == {*OPTIONS, *QUERIES, *ELSEWHERE, *OF_THE_SAME_CODE}


@torch.no_grad()
def tell_apart(detector: Detector, frames: Tensor) -> None:
    """New heads say nearly the same of all places."""
    for name, layer in detector.named_modules():
        of_classes = any(fnmatchcase(f"{name}.weight", pattern) for pattern in detector.class_rows)
        if of_classes and isinstance(layer, nn.Conv2d):
            spread_about(layer, -2.0, 0.5)
    detector.eval().look(frames)


@pytest.mark.parametrize(
    "model",
    [pytest.param(model, marks=() if model in QUICK else pytest.mark.slow) for model in (*OPTIONS, *QUERIES)],
)
def test_a_file_gives_in_onnx_runtime_what_the_detector_gives_in_torch(model: str, tmp_path: Path) -> None:
    if (missing := missing_for(find_detector(model))) is not None:
        pytest.skip(str(missing))
    torch.manual_seed(0)
    if model in QUERIES:
        detector = QUERIES[model]()
    else:
        detector = build_detector(model, num_classes=2, image_size=SIDE, options=OPTIONS[model])
    frames = coloured_squares(SIDE)[:3]
    tell_apart(detector, frames)
    dense = build_dense(model, detector, image_size=SIDE)
    write_onnx(onnx_model(record(dense)), tmp_path / "model.onnx")
    torchs = run_module(dense.net)
    assert torchs(frames.numpy())[1].std() > 0.003  # thirty times what is allowed
    difference = compare_answers(
        run_onnx(tmp_path / "model.onnx"), torchs, frames.numpy(), ordered=dense.ordered
    )
    assert difference.box <= 0.01
    assert difference.score <= 1e-4
