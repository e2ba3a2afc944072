"""The published forms of transformers' detectors, as its own configurations; nothing is fetched for them.

Numbers of D-FINE, RT-DETRv2, LW-DETR and RF-DETR are those that transformers converts the authors' weights with; of DEIMv2 those of the
authors' settings; of DETR, Conditional DETR and Deformable DETR transformers' defaults, with the losses of every layer that they
were trained with; of YOLOS transformers' conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

Config = Any
"""A configuration of transformers, whose types it leaves open."""


def _library() -> Any:
    return import_module("transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class HgNet:
    """HGNetV2 (of PaddleDetection): channels of the ``stem``, of stages ``inside`` blocks and ``out`` of them, ``blocks`` of a stage,
    ``layers`` of a block; kernels of 5 in the last ``wide`` stages, light blocks in the last ``light``."""

    stem: tuple[int, int]
    inside: tuple[int, ...]
    out: tuple[int, ...]
    blocks: tuple[int, ...]
    layers: int
    wide: int = 2
    light: int = 2

    def config(self, taken: Sequence[int]) -> Config:
        """``taken`` are the numbers of the stages whose maps are used, from 1."""
        count = len(self.out)
        plain, narrow = count - self.light, count - self.wide
        return _library().HGNetV2Config(
            depths=[self.layers] * count,
            hidden_sizes=list(self.out),
            stem_channels=[3, *self.stem],
            stage_in_channels=[self.stem[1], *self.out[:-1]],
            stage_mid_channels=list(self.inside),
            stage_out_channels=list(self.out),
            stage_num_blocks=list(self.blocks),
            stage_downsample=[False] + [True] * (count - 1),
            stage_light_block=[False] * plain + [True] * self.light,
            stage_kernel_size=[3] * narrow + [5] * self.wide,
            stage_numb_of_layers=[self.layers] * count,
            use_learnable_affine_block=True,
            out_indices=list(taken),
        )


_B0 = HgNet(stem=(16, 16), inside=(16, 32, 64, 128), out=(64, 256, 512, 1024), blocks=(1, 1, 2, 1), layers=3)
_B2 = HgNet(stem=(24, 32), inside=(32, 64, 128, 256), out=(96, 384, 768, 1536), blocks=(1, 1, 3, 1), layers=4)
_LITE = {
    "atto": HgNet(
        stem=(16, 16), inside=(16, 32, 64), out=(64, 256, 256), blocks=(1, 1, 1), layers=3, wide=0, light=1
    ),
    "femto": HgNet(
        stem=(16, 16), inside=(16, 32, 64), out=(64, 256, 512), blocks=(1, 1, 1), layers=3, wide=1, light=1
    ),
    "pico": HgNet(
        stem=(16, 16), inside=(16, 32, 64), out=(64, 256, 512), blocks=(1, 1, 2), layers=3, wide=1, light=1
    ),
}
_LITE_WIDTHS = {"atto": (64, 160, 100), "femto": (96, 256, 150), "pico": (112, 320, 200)}
"""Width, width of the feed-forward layers, queries."""
_TWO_MAPS: Mapping[str, Any] = {
    "num_feature_levels": 2,
    "encoder_ffn_dim": 512,
    "encode_proj_layers": [1],
    "d_model": 128,
    "encoder_hidden_dim": 128,
    "decoder_ffn_dim": 512,
    "encoder_in_channels": [512, 1024],
    "decoder_n_points": [6, 6],
    "decoder_in_channels": [128, 128],
    "feat_strides": [16, 32],
    "depth_mult": 0.5,
    "decoder_layers": 3,
    "hidden_expansion": 0.34,
}
"""The N of D-FINE and of DEIMv2: strides 16 and 32, half as wide."""


def _d_fine(size: str, classes: int, *, freeze_norm: bool) -> Config:
    common: dict[str, Any] = {"num_labels": classes, "freeze_backbone_batch_norms": freeze_norm}
    if size == "n":
        return _library().DFineConfig(backbone_config=_B0.config([3, 4]), **_TWO_MAPS, **common)
    common["decoder_n_points"] = [3, 6, 3]
    if size == "s":
        return _library().DFineConfig(
            backbone_config=_B0.config([2, 3, 4]),
            decoder_layers=3,
            hidden_expansion=0.5,
            depth_mult=0.34,
            encoder_in_channels=[256, 512, 1024],
            **common,
        )
    return _library().DFineConfig(
        backbone_config=_B2.config([2, 3, 4]),
        decoder_layers=4,
        depth_mult=0.67,
        encoder_in_channels=[384, 768, 1536],
        **common,
    )


def _deim_v2(size: str, classes: int, *, freeze_norm: bool) -> Config:
    common: dict[str, Any] = {
        "num_labels": classes,
        "freeze_backbone_batch_norms": freeze_norm,
        "decoder_activation_function": "silu",
        "focal_loss_gamma": 1.5,
    }
    if size == "n":
        return _library().Deimv2Config(backbone_config=_B0.config([3, 4]), **_TWO_MAPS, **common)
    width, forward, queries = _LITE_WIDTHS[size]
    return _library().Deimv2Config(
        backbone_config=_LITE[size].config([3]),
        encoder_type="lite",
        encoder_layers=0,
        encoder_in_channels=[_LITE[size].out[-1]],
        encoder_hidden_dim=width,
        feat_strides=[16, 32],
        hidden_expansion=0.34,
        depth_mult=0.5,
        d_model=width,
        decoder_in_channels=[width, width],
        num_feature_levels=2,
        decoder_n_points=[4, 2],
        decoder_layers=3,
        decoder_ffn_dim=forward,
        num_queries=queries,
        share_bbox_head=True,
        use_gateway=False,
        # These are trained without distributions of edges, and each layer with its own matches.
        use_dense_one_to_one=False,
        weight_loss_fgl=0.0,
        weight_loss_ddf=0.0,
        **common,
    )


def _rt_detr_v2(size: str, classes: int, *, freeze_norm: bool) -> Config:
    common: dict[str, Any] = {"num_labels": classes, "freeze_backbone_batch_norms": freeze_norm}
    if size == "r50":
        return _library().RTDetrV2Config(
            backbone_config=_library().RTDetrResNetConfig(out_indices=[2, 3, 4]), **common
        )
    depths, layers = {"r18": ([2, 2, 2, 2], 3), "r34": ([3, 4, 6, 3], 4)}[size]
    trunk = _library().RTDetrResNetConfig(
        hidden_sizes=[64, 128, 256, 512], depths=depths, layer_type="basic", out_indices=[2, 3, 4]
    )
    return _library().RTDetrV2Config(
        backbone_config=trunk,
        encoder_in_channels=[128, 256, 512],
        hidden_expansion=0.5,
        decoder_layers=layers,
        **common,
    )


def _lw_detr(size: str, classes: int) -> Config:
    tiny = size == "tiny"
    trunk = _library().LwDetrViTConfig(
        image_size=1024,
        hidden_size=384 if size == "medium" else 192,
        num_hidden_layers=6 if tiny else 10,
        num_attention_heads=12,
        window_block_indices=[0, 2, 4] if tiny else [0, 1, 3, 6, 7, 9],
        out_indices=[1, 3, 5] if tiny else [2, 4, 5, 9],
    )
    return _library().LwDetrConfig(
        backbone_config=trunk,
        projector_scale_factors=[1.0],
        num_queries=100 if tiny else 300,
        decoder_n_points=2,
        num_labels=classes,
    )


def _rf_detr(size: str, classes: int) -> Config:
    side, layers = {"nano": (384, 2), "small": (512, 3), "medium": (576, 4)}[size]
    trunk = _library().RfDetrDinov2Config(
        hidden_size=384,
        num_attention_heads=6,
        num_hidden_layers=12,
        image_size=side,
        patch_size=16,
        num_windows=2,
        use_mask_token=False,
        out_features=["stage3", "stage6", "stage9", "stage12"],
    )
    return _library().RfDetrConfig(
        backbone_config=trunk, decoder_layers=layers, decoder_n_points=2, num_labels=classes
    )


def _timm(name: str, taken: Sequence[int]) -> Config:
    """A trunk of timm, random."""

    return _library().TimmBackboneConfig(
        backbone=name,
        num_channels=3,
        features_only=True,
        use_pretrained_backbone=False,
        out_indices=list(taken),
    )


def _detr(size: str, classes: int) -> Config:
    return _library().DetrConfig(
        backbone_config=_timm(size, [1, 2, 3, 4]), auxiliary_loss=True, num_labels=classes
    )


def _conditional_detr(size: str, classes: int) -> Config:
    return _library().ConditionalDetrConfig(
        backbone_config=_timm(size, [1, 2, 3, 4]), auxiliary_loss=True, num_labels=classes
    )


def _deformable_detr(size: str, classes: int) -> Config:
    return _library().DeformableDetrConfig(
        backbone_config=_timm("resnet50", [2, 3, 4]),
        auxiliary_loss=True,
        with_box_refine=size == "refined",
        num_labels=classes,
        disable_custom_kernels=True,
    )


def _yolos(size: str, classes: int) -> Config:
    shape: dict[str, dict[str, Any]] = {
        "tiny": {
            "hidden_size": 192,
            "intermediate_size": 768,
            "num_attention_heads": 3,
            "image_size": [800, 1333],
            "use_mid_position_embeddings": False,
        },
        "small": {"hidden_size": 384, "intermediate_size": 1536, "num_attention_heads": 6},
        "base": {"image_size": [800, 1344]},
    }
    return _library().YolosConfig(num_labels=classes, **shape[size])


_MADE: Mapping[str, Callable[..., Config]] = {
    "d-fine": _d_fine,
    "deim-v2": _deim_v2,
    "rt-detr-v2": _rt_detr_v2,
    "lw-detr": _lw_detr,
    "rf-detr": _rf_detr,
    "deformable-detr": _deformable_detr,
    "conditional-detr": _conditional_detr,
    "detr": _detr,
    "yolos": _yolos,
}


def config_of(card: str, options: Any, classes: int) -> Config:
    """That of the card of this id, whose ``options`` are given."""
    chosen: dict[str, Any] = asdict(options)
    return _MADE[card](chosen.pop("size"), classes, **chosen)
