"""DETR (Carion et al. 2020) and what came after it, of the package transformers, as ours: a set of queries is matched with
the objects one to one, so that nothing has to be suppressed.

transformers is imported when one of them is built. Nothing is ever fetched: trunks are random, and weights are files.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from importlib import import_module
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_convert  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, DenseNet, Detector, Found, Look, Selection, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.detectors import transformers_configs as configs
from detcore.zoo.detectors.transformers_patches import in_fp32, recordable, silent
from detcore.zoo.parts.divisor import divisor
from detcore.zoo.spec import DetectorSpec, InputRule
from detcore.zoo.specs import transformers as cards

_SHOWN = {
    "ce": "class",
    "vfl": "class",
    "mal": "class",
    "bbox": "box",
    "giou": "giou",
    "fgl": "distribution",
    "ddf": "distillation",
}
"""What transformers calls losses, and what we do. The last two are D-FINE's: of the distributions of edges, and of what later
layers teach earlier ones."""
_OUR_NAMES = re.compile(r"(^|\.)net\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One of transformers, and how it is used. ``name`` is what it is called there before ``ForObjectDetection``. Sides are
    multiples of ``multiple``. The best places of maps at ``strides`` become queries, none where queries are learnt; of a
    configuration that tells ``feat_strides`` they are those. ``stages`` are names of modules, or of lists of them, in which most
    of a step goes by. ``no_object``: one class more is learnt, for queries that find nothing."""

    name: str
    multiple: int = 32
    strides: tuple[int, ...] = ()
    stages: tuple[str, ...] = ()
    no_object: bool = False


class QueryDetector(Detector):
    """A detector of transformers with a sigmoid for each class.

    Its losses are transformers' own, in fp32, weighted and added up over layers, by kind. They know no ``ignore`` areas. Images are
    padded on the right and below until their sides suit the architecture and there are as many places as queries. Tensors that
    transformers has under several names are in ``state_dict`` once.
    """

    class_rows: Mapping[str, ClassRows] = {
        "*denoising_class_embed.weight": ClassRows(after=1),
        "*class_embed.*": ClassRows(),
        "*enc_score_head.*": ClassRows(),
        "*class_labels_classifier.*": ClassRows(),
    }
    by_object: Collection[str] = tuple(_SHOWN.values())
    """The losses that are sums over objects."""

    def __init__(self, net: nn.Module, architecture: Architecture, rule: InputRule) -> None:
        super().__init__()
        self.net, self._architecture = net, architecture
        self._config = config = cast("Any", net).config
        self._strides: tuple[int, ...] = tuple(getattr(config, "feat_strides", architecture.strides))
        self.num_classes = config.num_labels
        cast("Any", net).loss_function = partial(in_fp32, cast("Any", net).loss_function)
        self.register_buffer("mean", torch.tensor(rule.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(rule.std)[:, None, None], persistent=False)
        self.register_state_dict_post_hook(_without_twins)  # pyright: ignore[reportUnknownMemberType]
        self.register_load_state_dict_pre_hook(_with_twins)  # pyright: ignore[reportUnknownMemberType]

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        shown = self._shown(images)
        labels = [
            {"class_labels": target["labels"], "boxes": _normalised(target["boxes"], shown)}
            for target in targets
        ]
        told = self.net(pixel_values=shown, labels=labels).loss_dict
        factors, sums = _factors(self._config), dict[str, Tensor]()
        for name, value in told.items():
            kind = name.split("_")[1]
            if kind in factors:
                sums[_SHOWN[kind]] = sums.get(_SHOWN[kind], value.new_zeros(())) + factors[kind] * value
        # what transformers divides by the objects here is divided by those of all processes
        objects = shown.new_tensor(float(sum(len(target["labels"]) for target in targets)))
        share = objects.clamp(min=1.0) / divisor(objects)
        return {name: value * (share if name in self.by_object else 1.0) for name, value in sums.items()}

    def look(self, images: Tensor) -> list[Look]:
        height, width = images.shape[-2:]
        return [
            Look(
                found=_found(boxes, self.candidates(scores), width=width, height=height),
                boxes=boxes,
                scores=scores,
            )
            for boxes, scores in zip(*self.answers(images), strict=True)
        ]

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What all Q queries say: boxes (B, Q, 4) xyxy in pixels of the batch, and scores (B, Q, K)."""
        shown = self._shown(images)
        told = self.net(pixel_values=shown)
        height, width = shown.shape[-2:]
        with torch.autocast(images.device.type, enabled=False):
            boxes = box_convert(told.pred_boxes.float(), "cxcywh", "xyxy")
            return boxes * boxes.new_tensor([width, height, width, height]), self.chances(told.logits.float())

    def chances(self, logits: Tensor) -> Tensor:
        """Scores (…, K) of what the last layer says of classes."""
        return logits.sigmoid()

    def candidates(self, scores: Tensor) -> Tensor:
        """The scores (…, Q, K) that may become detections, others 0: a query may answer for several classes."""
        return scores

    def stages(self) -> list[nn.Module]:
        parts = [self.net.get_submodule(name) for name in self._architecture.stages]
        return [stage for part in parts for stage in (part if isinstance(part, nn.ModuleList) else [part])]

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Files of the hub have names of several years; transformers itself turns them."""
        if any(_OUR_NAMES.search(name) for name in tensors):
            return dict(tensors)
        # whatever it reads becomes one of as many classes, so that all rows come over
        config = copy.deepcopy(self._config)
        config.num_labels = self._classes_of(tensors)
        with silent():
            read, told = cast("Any", type(self.net)).from_pretrained(
                None,
                config=config,
                state_dict=dict(tensors),
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                local_files_only=True,
            )
        clashing = {name: torch.empty(shape, device="meta") for name, shape, *_ in told["mismatched_keys"]}
        current = {
            name: tensor for name, tensor in read.state_dict().items() if name not in told["missing_keys"]
        }
        unused = {name: tensors[name] for name in told["unexpected_keys"] if name in tensors}
        twins = {name.removeprefix("net.") for name in _twins(self)}
        return {
            f"net.{name}": tensor
            for name, tensor in {**current, **clashing, **unused}.items()
            if name not in twins
        }

    def _classes_of(self, tensors: Mapping[str, Tensor]) -> int:
        """How many classes a file is of, by the biases of its heads; as many as here where it has none."""
        names = [*self.state_dict(), *_twins(self)]
        for name in names:
            rows = next(
                (rows for pattern, rows in self.class_rows.items() if fnmatchcase(name, pattern)), None
            )
            found = tensors.get(name.removeprefix("net."))
            if rows is None or not name.endswith(".bias") or found is None or found.dim() != 1:
                continue
            if len(found) > rows.before + rows.after:
                return len(found) - rows.before - rows.after
        return self.num_classes

    def _shown(self, images: Tensor) -> Tensor:
        """The images as the network takes them."""
        normal = (images - cast("Tensor", self.mean)) / cast("Tensor", self.std)
        height, width = images.shape[-2:]
        step = self._architecture.multiple
        tall, wide = (math.ceil(side / step) * step for side in (height, width))
        queries = self._config.num_queries if self._strides else 0
        while sum((tall // stride) * (wide // stride) for stride in self._strides) < queries:
            tall, wide = (tall, wide + step) if wide <= tall else (tall + step, wide)
        if (tall, wide) == (height, width):
            return normal
        return functional.pad(normal, (0, wide - width, 0, tall - height))


class NoObjectDetector(QueryDetector):
    """One with a softmax over classes and "no object", which is the last of them: each query answers for its best class."""

    class_rows: Mapping[str, ClassRows] = {
        "*class_labels_classifier.weight": ClassRows(after=1),
        "*class_labels_classifier.bias": ClassRows(after=1),
        "*class_labels_classifier.layers.2.*": ClassRows(after=1),
    }
    by_object: Collection[str] = ("box", "giou")

    def chances(self, logits: Tensor) -> Tensor:
        return logits.softmax(-1)[..., :-1]

    def candidates(self, scores: Tensor) -> Tensor:
        return scores * (scores == scores.amax(-1, keepdim=True))


def _normalised(boxes: Tensor, shown: Tensor) -> Tensor:
    """Boxes (N, 4) xyxy in pixels as centre and size in shares of the image."""
    height, width = shown.shape[-2:]
    return box_convert(boxes, "xyxy", "cxcywh") / boxes.new_tensor([width, height, width, height])


def _found(boxes: Tensor, scores: Tensor, *, width: int, height: int) -> Found:
    """The best detections of one image, of boxes (Q, 4) and scores (Q, K)."""
    best, places = scores.flatten().topk(min(MAX_DETECTIONS, scores.numel()))
    limits = boxes.new_tensor([width, height, width, height])
    chosen = torch.minimum(boxes[places // scores.shape[1]].clamp(min=0), limits)
    kept = (best >= SCORE_FLOOR) & (chosen[:, 2:] > chosen[:, :2]).all(dim=1)
    return Found(boxes=chosen[kept], labels=(places % scores.shape[1])[kept], scores=best[kept])


def _factors(config: Any) -> dict[str, float]:
    """What losses count by their kinds. Those of RT-DETR and its successors come weighted."""
    if not hasattr(config, "bbox_loss_coefficient"):
        return dict.fromkeys(_SHOWN, 1.0)
    return {
        "ce": getattr(config, "class_loss_coefficient", 1.0),
        "bbox": config.bbox_loss_coefficient,
        "giou": config.giou_loss_coefficient,
    }


def _twins(detector: nn.Module) -> dict[str, str]:
    """Names of tensors that have another name before, and that name."""
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for name, tensor in (
        *detector.named_parameters(remove_duplicate=False),
        *detector.named_buffers(remove_duplicate=False),
    ):
        if first.setdefault(id(tensor), name) != name:
            found[name] = first[id(tensor)]
    return found


def _without_twins(detector: nn.Module, tensors: dict[str, Tensor], prefix: str, _metadata: Any) -> None:
    """An average would take them in twice, and files do not take them at all."""
    for twin in _twins(detector):
        tensors.pop(prefix + twin, None)


def _with_twins(detector: nn.Module, tensors: dict[str, Tensor], prefix: str, *_: Any) -> None:
    for twin, name in _twins(detector).items():
        if prefix + name in tensors:
            tensors[prefix + twin] = tensors[prefix + name]


_HGNET = ("model.backbone.model.encoder.stages",)
_RESNET = tuple(f"model.backbone.model.layer{number}" for number in range(1, 5))
ARCHITECTURES: Mapping[str, Architecture] = {
    "d-fine": Architecture(name="DFine", stages=_HGNET),
    "deim-v2": Architecture(name="Deimv2", stages=("model.conv_encoder.model.encoder.stages",)),
    "rt-detr-v2": Architecture(name="RTDetrV2", stages=_HGNET),
    # Windows of a quarter of each side, over patches of 16 pixels.
    "lw-detr": Architecture(name="LwDetr", multiple=64, strides=(16,)),
    "rf-detr": Architecture(name="RfDetr", strides=(16,)),
    "deformable-detr": Architecture(name="DeformableDetr", stages=_RESNET),
    "conditional-detr": Architecture(name="ConditionalDetr", stages=_RESNET),
    "detr": Architecture(name="Detr", stages=_RESNET, no_object=True),
    "yolos": Architecture(name="Yolos", no_object=True),
}
"""By the ids of their cards."""


def query_detector(card: DetectorSpec, config: Any) -> QueryDetector:
    """A random detector of a card's architecture, of any size."""
    architecture = ARCHITECTURES[card.id]
    net = getattr(import_module("transformers"), f"{architecture.name}ForObjectDetection")(config)
    made = NoObjectDetector if architecture.no_object else QueryDetector
    return made(net, architecture, card.input)


def build(num_classes: int, _image_size: int, options: Any) -> QueryDetector:
    card = next(card for card in cards.CARDS if card.options is type(options))
    return query_detector(card, configs.config_of(card.id, options, num_classes))


class _DenseAnswers(nn.Module):
    """What a detector's queries say, without those of their scores that do not become detections."""

    def __init__(self, detector: QueryDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        with recordable(self.detector.net):
            boxes, scores = self.detector.answers(images)
        return boxes, self.detector.candidates(scores)


def dense(detector: QueryDetector, image_size: int) -> DenseNet:
    """Nothing is suppressed: no two boxes have an IoU above 1. Queries are in the order of scores of places, of which some nearly
    equal one another."""
    selection = Selection(nms_iou=1.0, suppression="none")
    return DenseNet(net=_DenseAnswers(detector), side=image_size, selection=selection, ordered=False)
