"""How a run stood before a step is kept while the step changes it."""

from __future__ import annotations

import torch
from torch import nn

from detcore.training.standing import Keeper
from detcore.zoo.checkpoint import RunState


def test_each_time_all_is_kept_that_a_step_changes_before_its_end() -> None:
    net, state = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), RunState()
    keeper = Keeper(net)
    for step in range(3):
        before = {name: buffer.clone() for name, buffer in net.named_buffers()}
        standing = keeper.standing(state)
        images = torch.rand(2, 3, 4, 4)
        net(images)
        state.step += 1
        assert standing.state.step == step
        assert set(standing.buffers) == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
        for name, buffer in net.named_buffers():
            assert torch.equal(standing.buffers[name], before[name])
            assert not torch.equal(standing.buffers[name], buffer)
        torch.set_rng_state(standing.random["cpu"])
        assert torch.equal(torch.rand(2, 3, 4, 4), images)
