"""Any network of darknet (Redmon 2013–2018, Bochkovskiy et al. 2020) as one of our detectors: YOLOv1, v2, v3,
tiny, spp, v4, and whatever a `.cfg` describes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from detcore.errors import ConfigError
from detcore.zoo.base import TORCH_FILES, DenseNet, Selection, Target
from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.class_count import for_classes
from detcore.zoo.darknet.heads import CellHead, GridHead, corners, heads_of
from detcore.zoo.darknet.losses.detection import cell_losses
from detcore.zoo.darknet.losses.region import region_losses
from detcore.zoo.darknet.losses.yolo import yolo_losses
from detcore.zoo.darknet.network import DarknetNet
from detcore.zoo.darknet.plan import Layer, make_plan
from detcore.zoo.darknet.weights_file import Header, read_tensors, write_weights
from detcore.zoo.parts.divisor import of_all
from detcore.zoo.parts.post.dense import DenseDetector, dense
from detcore.zoo.specs.darknet import DarknetOptions


class Darknet(DenseDetector):
    """The network of a `.cfg` whose class count is ``num_classes``. ``seen`` counts the images that it has
    learned from in all processes, as darknet does, and ``version`` (3,) is that of the file that it began with, so that it can be
    written again. Where some weights belong to places images are made as large as the `.cfg` says."""

    seen: Tensor
    version: Tensor
    selection = Selection(nms_iou=0.45)

    def __init__(self, text: str, num_classes: int) -> None:
        """``text`` is that of a `.cfg` for any number of classes."""
        super().__init__()
        self._published = text
        self.text, self.changes = for_classes(text, num_classes)
        plan = make_plan(parse_cfg(self.text))
        self.num_classes = num_classes
        self.net = DarknetNet(plan)
        self.heads = heads_of(plan)
        self.class_rows = {
            f"{_weights_name(plan.layers[layer.index - 1])}.*": head.class_rows
            for layer, head in zip(plan.heads, self.heads, strict=True)
        }
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("version", torch.tensor(Header().version))

    def parameter_count(self) -> int:
        """All numbers of a `.weights` file: means and variances of batch norms as well."""
        return self.net.plan.numbers

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        if self.training:
            self.seen += of_all(torch.tensor(len(images), device=self.seen.device))
        fitted, shares = self._fitted(images)
        own = [
            Target(boxes=item["boxes"] * shares, labels=item["labels"], ignore=item["ignore"] * shares)
            for item in targets
        ]
        features = self.net(fitted)
        height, width = fitted.shape[-2:]
        with torch.autocast(images.device.type, enabled=False):
            return _summed(
                [
                    self._head_losses(head, given, own, width, height, int(self.seen))
                    for head, given in zip(self.heads, features, strict=True)
                ]
            )

    def _fitted(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The images as the network takes them, and (4,) how much longer their sides became."""
        plan = self.net.plan
        size = (plan.image.height, plan.image.width)
        height, width = images.shape[-2:]
        if not plan.one_size or (height, width) == size:
            return images, images.new_ones(4)
        shares = images.new_tensor([size[1] / width, size[0] / height] * 2)
        return functional.interpolate(images, size, mode="bilinear", align_corners=False), shares

    def _head_losses(
        self,
        head: GridHead | CellHead,
        features: Tensor,
        targets: list[Target],
        width: int,
        height: int,
        seen: int,
    ) -> dict[str, Tensor]:
        if isinstance(head, CellHead):
            told = head.answers(features, width=width, height=height)
            return cell_losses(head, told, targets, width=width, height=height, seen=seen)
        answers = head.answers(features, width=width, height=height)
        if head.region:
            return region_losses(head, answers, targets, seen=seen)
        return yolo_losses(head, answers, targets, all_anchors=head.network_anchors.to(features.device))

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fitted, shares = self._fitted(images)
        height, width = fitted.shape[-2:]
        features = self.net(fitted)
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        with torch.autocast(images.device.type, enabled=False):
            for head, given in zip(self.heads, features, strict=True):
                if isinstance(head, CellHead):
                    told = head.answers(given, width=width, height=height)
                    boxes.append(corners(told.boxes).flatten(1, 2))
                    scores.append(head.scores(told))
                else:
                    answers = head.answers(given, width=width, height=height)
                    boxes.append(corners(answers.boxes))
                    scores.append(head.scores(answers))
        return torch.cat(boxes, dim=1) / shares, torch.cat(scores, dim=1)

    def read_file(self, path: Path) -> dict[str, Tensor] | None:
        """The numbers of a `.weights` file of the network as its `.cfg` has it, or of its first layers."""
        if path.suffix in TORCH_FILES:
            return None
        header, tensors = read_tensors(DarknetNet(make_plan(parse_cfg(self._published))), path)
        about = {"seen": torch.tensor(header.seen), "version": torch.tensor(header.version)}
        return {**about, **{f"net.{name}": one for name, one in tensors.items()}}

    def write_file(self, path: Path) -> None:
        """Its numbers as a `.weights` file. Raises OSError."""
        major, minor, revision = (int(number) for number in self.version)
        write_weights(self.net, path, Header(version=(major, minor, revision), seen=int(self.seen)))


def _weights_name(layer: Layer) -> str:
    """What the part of a layer with its weights is called here; a connected one has its features laid flat before it."""
    return f"net.blocks.{layer.index}.{1 if layer.kind == 'connected' else 0}"


def _summed(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}


def squares(detector: Darknet, image_size: int) -> DenseNet:
    """As it leaves the program. Raises ConfigError for a network whose frames are no squares."""
    image = detector.net.plan.image
    if image.width != image.height:
        raise ConfigError(
            f"frames of this network are {image.width} × {image.height} pixels, and such files take squares",
            hint="Export it as a .weights file of darknet",
        )
    return dense(detector, image_size)


def build(num_classes: int, image_size: int, options: DarknetOptions) -> Darknet:
    return Darknet(options.text, num_classes)
