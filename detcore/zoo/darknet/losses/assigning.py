"""Which place of a head learns which object, and what all heads do alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import Target
from detcore.zoo.darknet.heads import Answers, corners


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Objects and the places that learn them, all (P,): of which image, place and row of its targets."""

    images: Tensor
    places: Tensor
    rows: Tensor

    def of(self, targets: list[Target], key: str) -> Tensor:
        """(P, …) the values of the objects."""
        values = torch.cat([target[key] for target in targets])
        counts = [0, *[len(target["labels"]) for target in targets]]
        starts = torch.tensor(counts, device=values.device).cumsum(0)
        return values[starts[self.images] + self.rows]

    @property
    def first(self) -> Tensor:
        """(P,) of which pairs the place has learnt nothing before."""
        alike = (self.images[:, None] == self.images) & (self.places[:, None] == self.places)
        return ~alike.tril(-1).any(dim=1)

    def taken(self, shape: torch.Size) -> Tensor:
        """(B, A) which places learn an object."""
        found = torch.zeros(shape, dtype=torch.bool, device=self.images.device)
        found[self.images, self.places] = True
        return found


def joined(parts: list[tuple[int, Tensor, Tensor]], device: torch.device) -> Assigned:
    """Of (image, places, rows) of some images."""
    none = torch.zeros(0, dtype=torch.int64, device=device)
    images = [torch.full_like(rows, image) for image, _, rows in parts]
    return Assigned(
        images=torch.cat([none, *images]),
        places=torch.cat([none, *[places for _, places, _ in parts]]),
        rows=torch.cat([none, *[rows for _, _, rows in parts]]),
    )


def grid_of(answers: Answers) -> Tensor:
    """(2,) columns and rows."""
    return answers.cells.max(dim=0).values + 1


def cell_of(boxes: Tensor, answers: Answers) -> Tensor:
    """(N,) the number of the cell that the middle of a box lies in."""
    grid = grid_of(answers)
    cells = ((boxes[:, :2] + boxes[:, 2:]) / 2 / answers.strides).floor().long()
    cells = torch.minimum(cells.clamp(min=0), grid - 1)
    return cells[:, 1] * grid[0] + cells[:, 0]


def shape_iou(sizes: Tensor, anchors: Tensor) -> Tensor:
    """(N, M) IoU of sizes (N, 2) and anchors (M, 2) as if their middles lay on one another."""
    overlap = torch.minimum(sizes[:, None], anchors[None]).prod(dim=-1)
    return overlap / (sizes.prod(dim=-1)[:, None] + anchors.prod(dim=-1)[None] - overlap)


def best_iou(boxes: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """(A,) the IoU of each box (A, 4) cx cy w h with the object that it fits best, and its row; 0 without objects."""
    if not len(target["boxes"]):
        none = torch.zeros(len(boxes), device=boxes.device)
        return none, none.long()
    found = box_iou(corners(boxes), target["boxes"]).max(dim=1)
    return found.values, found.indices


def following(value: Tensor, raw: Tensor, delta: Tensor) -> Tensor:
    """``value``, with a gradient by ``raw`` that is the negative of ``delta``."""
    step = -(delta.detach() * raw).sum()
    return value.detach() + step - step.detach()
