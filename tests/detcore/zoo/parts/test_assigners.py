"""Assigners against torchvision's, against brute force and against hand arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher, SSDMatcher
from torchvision.ops import box_iou

from detcore.zoo.parts.assigners.assigned import BACKGROUND, IGNORED, Assigner
from detcore.zoo.parts.assigners.atss import Atss
from detcore.zoo.parts.assigners.bipartite import Bipartite
from detcore.zoo.parts.assigners.hungarian import Hungarian, cheapest_pairs
from detcore.zoo.parts.assigners.max_iou import MaxIou
from detcore.zoo.parts.assigners.neighbours import Neighbours
from detcore.zoo.parts.assigners.ranges import Ranges
from detcore.zoo.parts.assigners.sim_ota import SimOta
from detcore.zoo.parts.assigners.task_aligned import TaskAligned
from detcore.zoo.parts.places import Places, make_places


def anchored_places() -> Places:
    """8×8, 4×4 and 2×2 cells of a 64-pixel image, with three anchors each."""
    sizes, strides = [(8, 8), (4, 4), (2, 2)], [8, 16, 32]
    shapes = [torch.tensor([[2.0, 1.0], [1.0, 1.0], [1.0, 2.0]]) * stride for stride in strides]
    return make_places(sizes, strides, shapes)


def some_objects(count: int, seed: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=rng) * 40
    boxes = torch.cat([corners, corners + 6 + torch.rand(count, 2, generator=rng) * 18], dim=1)
    return boxes, torch.randint(0, 3, (count,), generator=rng)


def assigned(
    assigner: Assigner, places: Places, boxes: Tensor, labels: Tensor, told: Tensor | None = None
) -> Tensor:
    scores = torch.full((len(places.points), 3), 0.5)
    return assigner(places, scores, places.anchors if told is None else told, boxes, labels).objects


@pytest.mark.parametrize("seed", range(5))
def test_by_iou_is_torchvisions_matcher(seed: int) -> None:
    places, (boxes, labels) = anchored_places(), some_objects(6, seed)
    theirs = Matcher(0.5, 0.4, allow_low_quality_matches=True)(box_iou(boxes, places.anchors))
    assert (assigned(MaxIou(), places, boxes, labels) == theirs).all()


def test_ssds_way_gives_each_object_its_best_anchor_though_two_want_the_same() -> None:
    places = make_places([(1, 2)], [10])  # anchors 0..10 and 10..20 across
    boxes = torch.tensor([[0.0, 0.0, 10.0, 8.0], [0.0, 0.0, 10.0, 6.0], [12.0, 0.0, 20.0, 10.0]])
    # The first two want the left anchor; the better one has it, and with nothing left the other goes without.
    assert assigned(Bipartite(), places, boxes, torch.zeros(3, dtype=torch.int64)).tolist() == [0, 2]


@pytest.mark.parametrize("seed", range(4))
def test_ssds_way_takes_the_best_pair_first(seed: int) -> None:
    places, (boxes, labels) = anchored_places(), some_objects(9, seed)
    free = box_iou(boxes, places.anchors)
    wanted = torch.where(free.max(dim=0).values > 0.5, free.argmax(dim=0), BACKGROUND)
    for _ in range(len(boxes)):
        row, anchor = divmod(int(free.argmax()), len(places.anchors))
        wanted[anchor] = row
        free[row], free[:, anchor] = -1.0, -1.0
    assert (assigned(Bipartite(), places, boxes, labels) == wanted).all()


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_ssds_way_is_torchvisions_where_no_two_objects_want_one_anchor(seed: int) -> None:
    places, (boxes, labels) = anchored_places(), some_objects(2, seed)
    overlaps = box_iou(boxes, places.anchors)
    assert len(overlaps.argmax(dim=1).unique()) == len(boxes)
    theirs = SSDMatcher(0.5)(overlaps)
    ours = assigned(Bipartite(), places, boxes, labels)
    # exactly half is positive for torchvision alone
    assert (ours == torch.where(overlaps.max(dim=0).values == 0.5, ours, theirs)).all()


def test_adaptive_selection_by_hand() -> None:
    places = make_places([(4, 4)], [16])
    boxes = torch.tensor([[8.0, 8.0, 40.0, 40.0]])
    # The nine cells nearest to (24, 24) are the 3×3 about it. Of 32² pixels the middle cell fills 256, those beside
    # it 128 of 256 + 896 − …: IoU 256/1024 = .25, 4 × 128/1152 = .1111, 4 × 64/1216 = .0526. Mean .1006, deviation
    # .0650 (by n − 1): the middle alone is above .1656.
    objects = assigned(Atss(), places, boxes, torch.zeros(1, dtype=torch.int64))
    assert torch.nonzero(objects >= 0).flatten().tolist() == [5]


def test_ranges_of_sizes_choose_the_level_and_the_smallest_object() -> None:
    places = make_places([(16, 16), (8, 8)], [8, 16])
    boxes = torch.tensor([[0.0, 0.0, 128.0, 128.0], [40.0, 40.0, 72.0, 72.0]])
    objects = assigned(Ranges(radius=0), places, boxes, torch.zeros(2, dtype=torch.int64))
    fine, coarse = objects[:256].view(16, 16), objects[256:].view(8, 8)
    # From the middle the farthest edge of the large one is 64 to 128 pixels away: all of the coarsest map is its.
    assert (coarse == 0).all()
    # The small one has the places within it, from 44 to 68: columns and rows 5 to 8. The large one has only those of the
    # fine level whose farthest edge is within 64 pixels, and there is none off the middle.
    small = torch.zeros(16, 16, dtype=torch.bool)
    small[5:9, 5:9] = True
    assert (fine[small] == 1).all()
    assert (fine[~small] == BACKGROUND).all()


def test_centre_sampling_keeps_to_the_middle() -> None:
    places = make_places([(16, 16)], [8])
    boxes = torch.tensor([[16.0, 16.0, 112.0, 112.0]])
    objects = assigned(Ranges(radius=1.5), places, boxes, torch.zeros(1, dtype=torch.int64)).view(16, 16)
    assert torch.nonzero(objects == 0).unique().tolist() == [7, 8]  # 60 and 68, less than 12 pixels from 64


def test_sim_ota_takes_as_many_places_as_the_sum_of_the_best_overlaps() -> None:
    places = make_places([(4, 4)], [16])
    boxes = torch.tensor([[0.0, 0.0, 32.0, 32.0]])
    told = torch.zeros(16, 4)
    told[[0, 1, 4, 5]] = boxes  # four places say the object itself: the sum of IoU is 4
    objects = assigned(SimOta(), places, boxes, torch.zeros(1, dtype=torch.int64), told)
    assert torch.nonzero(objects == 0).flatten().tolist() == [0, 1, 4, 5]


def test_neighbouring_cells_learn_an_object_with_likely_anchors() -> None:
    shapes = [torch.tensor([[8.0, 8.0], [40.0, 40.0]])]
    places = make_places([(4, 4)], [16], shapes)
    boxes = torch.tensor(
        [[17.0, 17.0, 25.0, 25.0]]
    )  # its middle, (21, 21), is in cell (1, 1), nearer to the left and the top
    objects = assigned(Neighbours(), places, boxes, torch.zeros(1, dtype=torch.int64)).view(4, 4, 2)
    # 40 is five times 8, more than four: only the first anchor.
    assert torch.nonzero(objects == 0).tolist() == [[0, 1, 0], [1, 0, 0], [1, 1, 0]]


def test_one_to_one_is_the_cheapest_of_all_permutations() -> None:
    hungarian = Hungarian(overlap_weight=0.0)
    places = make_places([(2, 2)], [16])
    boxes, labels = some_objects(3, 0)
    rng = torch.Generator().manual_seed(1)
    scores, told = torch.rand(4, 3, generator=rng), torch.rand(4, 4, generator=rng) * 32
    objects = hungarian(places, scores, told, boxes, labels).objects
    extent = 24.0
    cost = 5 * (boxes[:, None] - told[None]).abs().sum(dim=-1) / extent - scores[:, labels].T
    best = min(
        itertools.permutations(range(4), 3),
        key=lambda rows: sum(float(cost[at, row]) for at, row in enumerate(rows)),
    )
    assert [objects[place].item() for place in best] == [0, 1, 2]
    assert (objects >= 0).sum() == 3


@pytest.mark.parametrize(("rows", "columns"), [(5, 40), (7, 7), (9, 4), (1, 6)])
def test_the_cheapest_pairs_cost_what_scipys_do(rows: int, columns: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(rows)
    for cost in (rng.normal(size=(rows, columns)), rng.integers(0, 4, (rows, columns)).astype(np.float64)):
        own, theirs = cheapest_pairs(cost), optimize.linear_sum_assignment(cost)
        assert cost[own].sum() == pytest.approx(cost[theirs].sum())
        assert [len(set(part.tolist())) for part in own] == [min(rows, columns)] * 2


@pytest.mark.parametrize(
    "assigner", [MaxIou(), Bipartite(), Atss(), Ranges(), SimOta(), TaskAligned(), Neighbours()]
)
def test_without_objects_all_is_background(assigner: Assigner) -> None:
    places = anchored_places()
    objects = assigned(assigner, places, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    assert (objects == BACKGROUND).all()


@pytest.mark.parametrize("assigner", [MaxIou(), Bipartite(), Atss(), SimOta(), TaskAligned()])
def test_every_object_in_the_open_is_learned_somewhere(assigner: Assigner) -> None:
    places = anchored_places()
    boxes = torch.tensor([[2.0, 2.0, 15.0, 14.0], [30.0, 30.0, 60.0, 62.0], [40.0, 4.0, 58.0, 20.0]])
    objects = assigned(assigner, places, boxes, torch.tensor([0, 1, 2]))
    assert {0, 1, 2} <= set(objects.tolist())


def test_between_the_limits_an_anchor_does_not_count() -> None:
    places = make_places([(1, 2)], [10])
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [10.0, 0.0, 20.0, 4.5]])
    objects = assigned(MaxIou(at_least_one=False), places, boxes, torch.zeros(2, dtype=torch.int64))
    assert objects.tolist() == [0, IGNORED]
