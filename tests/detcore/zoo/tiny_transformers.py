"""transformers' detectors as small as their architectures allow, as its own configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import transformers
from transformers import (
    ConditionalDetrConfig,
    DeformableDetrConfig,
    Deimv2Config,
    DetrConfig,
    DFineConfig,
    HGNetV2Config,
    LwDetrConfig,
    LwDetrViTConfig,
    RfDetrConfig,
    RfDetrDinov2Config,
    RTDetrResNetConfig,
    RTDetrV2Config,
    TimmBackboneConfig,
    YolosConfig,
)

from detcore.zoo.catalogue import find_detector
from detcore.zoo.detectors.transformers_nets import QueryDetector, query_detector

QUERIES = 12
_TRANSFORMER: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "num_queries": QUERIES,
}
_PYRAMID: dict[str, Any] = {
    **_TRANSFORMER,
    "encoder_hidden_dim": 32,
    "decoder_in_channels": [32, 32, 32],
    "decoder_n_points": 2,
    "num_denoising": 6,
    "hidden_expansion": 0.5,
    "freeze_backbone_batch_norms": False,
}
_DISTRIBUTIONS: dict[str, Any] = {"encoder_in_channels": [16, 32, 32], "max_num_bins": 8, "lqe_hidden_dim": 8}


def _hgnet() -> HGNetV2Config:
    return HGNetV2Config(
        depths=[1, 1, 1, 1],
        hidden_sizes=[16, 16, 32, 32],
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 16, 16, 32],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 16, 32, 32],
        stage_num_blocks=[1, 1, 1, 1],
        stage_numb_of_layers=[1, 1, 1, 1],
        use_learnable_affine_block=True,
        out_indices=[2, 3, 4],
    )


def _timm(indices: list[int]) -> TimmBackboneConfig:
    return TimmBackboneConfig(
        backbone="test_resnet", features_only=True, use_pretrained_backbone=False, out_indices=indices
    )


def _detr(classes: int) -> DetrConfig:
    trunk = _timm([1, 2, 3, 4])
    return DetrConfig(backbone_config=trunk, auxiliary_loss=True, num_labels=classes, **_TRANSFORMER)


def _conditional(classes: int) -> ConditionalDetrConfig:
    trunk = _timm([1, 2, 3, 4])
    return ConditionalDetrConfig(
        backbone_config=trunk, auxiliary_loss=True, num_labels=classes, **_TRANSFORMER
    )


def _deformable(classes: int) -> DeformableDetrConfig:
    return DeformableDetrConfig(
        backbone_config=_timm([2, 3, 4]),
        auxiliary_loss=True,
        with_box_refine=True,
        num_labels=classes,
        **_TRANSFORMER,
    )


def _rt_detr(classes: int) -> RTDetrV2Config:
    trunk = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 32, 32],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_indices=[2, 3, 4],
    )
    return RTDetrV2Config(
        backbone_config=trunk, encoder_in_channels=[16, 32, 32], num_labels=classes, **_PYRAMID
    )


def _d_fine(classes: int) -> DFineConfig:
    return DFineConfig(backbone_config=_hgnet(), num_labels=classes, **_DISTRIBUTIONS, **_PYRAMID)


def _deim(classes: int) -> Deimv2Config:
    return Deimv2Config(backbone_config=_hgnet(), num_labels=classes, **_DISTRIBUTIONS, **_PYRAMID)


def _lw_detr(classes: int) -> LwDetrConfig:
    trunk = LwDetrViTConfig(
        image_size=256,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        window_block_indices=[0],
        out_indices=[1, 2],
    )
    return LwDetrConfig(
        backbone_config=trunk,
        projector_scale_factors=[1.0],
        d_model=32,
        decoder_layers=2,
        decoder_ffn_dim=32,
        decoder_self_attention_heads=4,
        decoder_cross_attention_heads=4,
        decoder_n_points=2,
        group_detr=2,
        num_queries=QUERIES,
        num_labels=classes,
    )


def _rf_detr(classes: int) -> RfDetrConfig:
    trunk = RfDetrDinov2Config(
        hidden_size=32,
        num_attention_heads=4,
        num_hidden_layers=2,
        image_size=128,
        patch_size=16,
        num_windows=2,
        out_features=["stage1", "stage2"],
        use_mask_token=False,
    )
    return RfDetrConfig(
        backbone_config=trunk,
        d_model=32,
        decoder_layers=2,
        decoder_ffn_dim=32,
        decoder_self_attention_heads=4,
        decoder_cross_attention_heads=4,
        decoder_n_points=2,
        group_detr=2,
        num_queries=QUERIES,
        num_labels=classes,
    )


def _yolos(classes: int) -> YolosConfig:
    return YolosConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        image_size=[96, 128],
        num_detection_tokens=QUERIES,
        num_labels=classes,
    )


TINY: Mapping[str, Callable[[int], Any]] = {
    "detr": _detr,
    "conditional-detr": _conditional,
    "deformable-detr": _deformable,
    "rt-detr-v2": _rt_detr,
    "d-fine": _d_fine,
    "deim-v2": _deim,
    "lw-detr": _lw_detr,
    "rf-detr": _rf_detr,
    "yolos": _yolos,
}
"""By the ids of our cards, for a number of classes."""
THEIRS: Mapping[str, tuple[str, str]] = {
    "detr": ("Detr", "Detr"),
    "conditional-detr": ("ConditionalDetr", "ConditionalDetr"),
    "deformable-detr": ("DeformableDetr", "DeformableDetr"),
    "rt-detr-v2": ("RTDetrV2", "RTDetr"),
    "d-fine": ("DFine", "RTDetr"),
    "deim-v2": ("Deimv2", "RTDetr"),
    "lw-detr": ("LwDetr", "DeformableDetr"),
    "rf-detr": ("RfDetr", "RfDetr"),
    "yolos": ("Yolos", "Yolos"),
}
"""What their detectors and their image processors are called there."""


def their_net(card: str, classes: int) -> Any:
    return getattr(transformers, f"{THEIRS[card][0]}ForObjectDetection")(TINY[card](classes))


def their_processor(card: str) -> Any:
    """For images of 0..1 that keep their size."""
    kind = getattr(transformers, f"{THEIRS[card][1]}ImageProcessor")
    return kind(do_resize=False, do_rescale=False)


def tiny_detector(card: str, classes: int = 3) -> QueryDetector:
    """Ours, with random weights that tell queries and classes apart."""
    return tiny_detector_of(card, TINY[card](classes))


def tiny_detector_of(card: str, config: Any) -> QueryDetector:
    """The same of another configuration."""
    torch.manual_seed(0)
    detector = query_detector(find_detector(card), config)
    with torch.no_grad():
        for parameter in detector.parameters():
            if parameter.requires_grad:
                parameter.add_(0.03 * torch.randn(parameter.shape))
    return detector
