"""CenterNet (Zhou et al. 2019): an object is the middle of its box, with a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.base import Selection, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.backbones.trunks import SplitTrunk
from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.parts.divisor import divisor
from detcore.zoo.parts.heat_maps import draw_peak, gaussian_radius, heat_loss, peaks
from detcore.zoo.parts.necks.neck import grown
from detcore.zoo.parts.places import ignored_places, make_places
from detcore.zoo.parts.post.dense import DenseDetector
from detcore.zoo.spec import IMAGENET_MEAN, IMAGENET_STD, NoOptions

_STRIDE = 4
_WIDTH = 64
_SIZE_WEIGHT = 0.1
_FIRST_SIZE = 4.0
"""Cells that boxes are wide and high before anything is learned."""


class CenterNet(DenseDetector):
    """A heat map for each class at stride 4 whose peaks are middles of objects; at each place the size of its box in cells, and how far
    the middle is from the corner of the cell. No anchors; suppression has next to nothing to do."""

    class_rows: Mapping[str, ClassRows] = {"heat.1.*": ClassRows()}
    selection = Selection(nms_iou=0.7)

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = SplitTrunk((16, 32, 64, 96, 128))
        self.up = _Up(self.backbone.widths)
        self.heat, self.size, self.offset = (_branch(outputs) for outputs in (num_classes, 2, 2))
        nn.init.constant_(cast("Tensor", self.heat[-1].bias), -2.19)
        nn.init.constant_(cast("Tensor", self.size[-1].bias), _FIRST_SIZE)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def stages(self) -> list[nn.Module]:
        trunk = self.backbone
        branches = (self.heat, self.size, self.offset)
        return [trunk.stem, trunk.stage3, trunk.stage4, trunk.stage5, self.up, *branches]

    def predict(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Heat logits (B, K, rows, columns), sizes and offsets (B, 2, rows, columns) in cells; fp32."""
        normal = (images - cast("Tensor", self.mean)) / cast("Tensor", self.std)
        features = self.up(self.backbone(normal))
        return self.heat(features).float(), self.size(features).float(), self.offset(features).float()

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        logits, sizes, offsets = self.predict(images)
        with torch.autocast(images.device.type, enabled=False):
            return self._losses(logits, sizes, offsets, targets)

    def _losses(
        self, logits: Tensor, sizes: Tensor, offsets: Tensor, targets: list[Target]
    ) -> dict[str, Tensor]:
        rows, columns = logits.shape[-2:]
        heat = torch.zeros_like(logits)
        counts = torch.ones_like(logits[:, :1])
        places = make_places([(rows, columns)], [_STRIDE], device=logits.device)
        of_images: list[int] = []
        cells: list[tuple[int, int]] = []
        wanted: list[Tensor] = []
        for image, target in enumerate(targets):
            counts[image].masked_fill_(
                ignored_places(places.points, target["ignore"]).view(rows, columns), 0.0
            )
            for box, label in zip(target["boxes"] / _STRIDE, target["labels"], strict=True):
                side, middle = box[2:] - box[:2], (box[:2] + box[2:]) / 2
                column = min(max(int(middle[0]), 0), columns - 1)
                row = min(max(int(middle[1]), 0), rows - 1)
                draw_peak(
                    heat[image, int(label)], column, row, gaussian_radius(float(side[0]), float(side[1]))
                )
                of_images.append(image)
                cells.append((row, column))
                wanted.append(torch.cat([side, middle - middle.new_tensor([column, row])]))
        norm = divisor(torch.tensor(float(len(cells)), device=logits.device))
        losses = {"heat": heat_loss(logits, heat, counts) / norm}
        if not cells:
            nothing = (sizes.sum() + offsets.sum()) * 0
            return losses | {"size": nothing, "offset": nothing}
        at = (of_images, slice(None), [row for row, _ in cells], [column for _, column in cells])
        goal = torch.stack(wanted)
        return losses | {
            "size": _SIZE_WEIGHT * functional.l1_loss(sizes[at], goal[:, :2], reduction="sum") / norm,
            "offset": functional.l1_loss(offsets[at], goal[:, 2:], reduction="sum") / norm,
        }

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores are 0 beside peaks."""
        logits, sizes, offsets = self.predict(images)
        scores = peaks(logits.sigmoid()).flatten(2).transpose(1, 2)
        rows, columns = logits.shape[-2:]
        corners = make_places([(rows, columns)], [1], device=images.device).points - 0.5
        centres = offsets.flatten(2).transpose(1, 2) + corners
        half = sizes.flatten(2).transpose(1, 2) / 2
        return torch.cat([centres - half, centres + half], dim=-1) * _STRIDE, scores


class _Up(nn.Module):
    """Maps at strides 8, 16 and 32 to one at stride 4: from the coarsest on, each is doubled and added to the finer one."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(width, _WIDTH, 1) for width in widths)
        self.mixes = nn.ModuleList(ConvBlock(_WIDTH, _WIDTH) for _ in widths)
        self.last = ConvBlock(_WIDTH, _WIDTH)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        sides = [lateral(features) for lateral, features in zip(self.laterals, maps, strict=True)]
        made: Tensor = self.mixes[-1](sides[-1])
        for mix, side in zip(reversed(self.mixes[:-1]), reversed(sides[:-1]), strict=True):
            made = mix(side + grown(made, side))
        return self.last(functional.interpolate(made, scale_factor=2))


def _branch(outputs: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(_WIDTH, _WIDTH), nn.Conv2d(_WIDTH, outputs, 1))


def build(num_classes: int, _image_size: int, _options: NoOptions) -> CenterNet:
    return CenterNet(num_classes)
