"""What two processes hand each other, and that they learn as one with the images of both would."""

from __future__ import annotations

import pytest

from detcore.errors import ConfigError
from detcore.jobs.devices import device_names
from tests.detcore.two_processes import two_processes

CHILD = """
import os
import sys
import time
from threading import Event
import torch
from detcore.zoo.running import OutOfMemoryError
from detcore.training import distributed
from detcore.training.distributed import Group, joined_group
from detcore.zoo.detectors.darknet import Darknet
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.base import Target
from tests.detcore.zoo.darknet.test_cfg import SMALL

def batch():
    drawn = torch.Generator().manual_seed(3)
    images = torch.rand(4, 3, 64, 64, generator=drawn)
    targets = []
    for count in (1, 3, 0, 5):  # so that halves have unlike many objects
        corner = torch.rand(count, 2, generator=drawn) * 30
        size = 8 + torch.rand(count, 2, generator=drawn) * 20
        targets.append(Target(boxes=torch.cat([corner, corner + size], dim=1),
                              labels=torch.randint(2, (count,), generator=drawn), ignore=torch.zeros(0, 4)))
    return images, targets

def gradients(module, detector, images, targets):
    losses = module(images, targets)
    torch.stack(list(losses.values())).sum().backward()
    return [p.grad.clone() for p in detector.parameters()]

def detector():
    torch.manual_seed(7)
    made = Reticle(2)
    return made.eval()  # batch norm by its running averages: statistics of half a batch are others

images, targets = batch()
alone = detector()
expected = gradients(alone, alone, images, targets)
torch.manual_seed(1)
with joined_group() as group:
    rank = group.rank
    assert group.agree(float(rank), 5.0 + rank) == (0.0, 5.0)
    assert group.highest(float(rank), -float(rank)) == (1.0, 0.0)
    assert group.gather(float(rank), 5.0 + rank) == [(0.0, 5.0), (1.0, 6.0)]
    assert group.spread(b"from 0" if rank == 0 else b"other") == b"from 0"
    assert group.spread(b"") == b""
    collected = group.collect(b"x" * (3 * rank))
    assert collected == ([b"", b"xxx"] if rank == 0 else []), collected
    shared = detector()
    if rank == 1:  # others begin as the first one is
        torch.nn.init.constant_(next(shared.parameters()), 0.5)
    wrapped = group.wrap(shared, torch.device("cpu"), batch_size=2)
    half = slice(2 * rank, 2 * rank + 2)
    found = gradients(wrapped, shared, images[half], targets[half])
    largest = max(float(b.abs().max()) for b in expected)
    off = max(float((a - b).abs().max()) for a, b in zip(found, expected))
    print(f"{off / largest:.2e}")
    counting = Darknet(SMALL, 2)  # of one image in the first process and two in the second
    group.wrap(counting, torch.device("cpu"), batch_size=2)(images[: 1 + rank], targets[: 1 + rank])
    assert int(counting.seen) == 3
    # outside of a step each process is by itself, so that one may look at a loss without the others
    if rank == 0:
        shared.losses(images, targets)

def run_out_in_the_second():
    if rank == 1:
        raise OutOfMemoryError("memory ran out")

def endless_unless_unwanted(unwanted):
    run_out_in_the_second()
    if not unwanted.wait(30):
        os._exit(1)

def slow_in_the_second(unwanted):
    while rank == 1 and not group.store.check(["waited thrice"]):
        time.sleep(0.02)
    return rank

def gathered(group, *values):
    rounds.append(values)
    if rank == 0 and len(rounds) == 3:
        group.store.set("waited thrice", "")
    return gather(group, *values)

def unheard(error):
    os._exit(1)

distributed._ROUND_SECONDS = 0.1
rounds, gather, Group.gather = [], Group.gather, gathered
with joined_group() as group:
    assert group.each(slow_in_the_second) == rank
    try:
        group.each(endless_unless_unwanted)
    except OutOfMemoryError as error:
        print(error.message)
distributed._MEMORY_LOOK_SECONDS = distributed._MEMORY_PARTING_SECONDS = 0.1
with joined_group() as group:
    ended = Event()
    def leave(error):  # the first process waits as one does whose GPU waits for the other
        print(error.message)
        ended.set()
    try:
        with group.memory_shared(leave):
            run_out_in_the_second()
            assert ended.wait(60)
    except OutOfMemoryError as error:
        print(error.message)
    group.highest(0.0)
distributed._MEMORY_PARTING_SECONDS = 60.0
with joined_group() as group:
    try:
        with group.memory_shared(unheard):
            run_out_in_the_second()
            group.highest(0.0)
    except OutOfMemoryError as error:
        print(error.message)
        sys.stdout.flush()
        os._exit(0)
"""


def test_two_processes_have_the_gradient_of_one_with_all_images_and_what_one_hands_over_or_suffers_all_know() -> (
    None
):
    said = two_processes(CHILD)
    (apart, *first), (other_apart, *second) = (out.splitlines() for out in said)
    assert max(float(apart), float(other_apart)) < 1e-5
    assert first == ["memory ran out in process 2 of 2"] * 3
    assert second == ["memory ran out"] * 3


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("auto", ("auto",)),
        ("cuda:1", ("cuda:1",)),
        ("0", ("cuda:0",)),
        ("0,1", ("cuda:0", "cuda:1")),
        ("cuda:1, cuda:3", ("cuda:1", "cuda:3")),
        ("cpu,cpu", ("cpu", "cpu")),
    ],
)
def test_devices_are_read_as_users_write_them(wanted: str, names: tuple[str, ...]) -> None:
    assert device_names(wanted) == names


@pytest.mark.parametrize("wanted", ["", "tpu", "0,0", "cpu,0", "auto,auto", "0,", "cuda:-1"])
def test_what_is_no_device_is_refused(wanted: str) -> None:
    with pytest.raises(ConfigError, match="is no device"):
        device_names(wanted)
