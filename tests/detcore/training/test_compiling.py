"""Compiled stages learn what others do, and where nothing can be compiled a training goes on without."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from detcore.data.sizes import Sizes
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event, Log
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.compiling import compile_stages
from detcore.training.distributed import Group
from detcore.training.freezing import Freezing
from detcore.training.layers import LayerWatch
from detcore.training.session import Session
from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.running import Compute
from tests.detcore.training.small import small_batch, small_detector

MakeRun = Callable[..., RunFolder]
CPU = Compute(torch.device("cpu"))
# torch looks at gradients of what has none while it traces
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


class Twice(Detector):
    """Two stages; the loss is the mean of what the second says."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.num_classes = 2
        self.first, self.second = ConvBlock(3, 4), ConvBlock(4, 4, stride=2)

    def stages(self) -> list[nn.Module]:
        return [self.first, self.second]

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        return {"class": self.second(self.first(images)).square().mean()}

    def look(self, images: Tensor) -> list[Look]:
        raise NotImplementedError


class Compiled:
    """Counts what is compiled, for which torch's tracing alone is enough: it needs no C++."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.graphs = 0
        self.fault = ""
        make = nn.Module.compile

        def trace(graph: torch.fx.GraphModule, _inputs: list[Tensor]) -> Callable[..., object]:
            if self.fault:
                raise RuntimeError(self.fault)
            self.graphs += 1
            return graph.forward

        monkeypatch.setattr(nn.Module, "compile", lambda module, **how: make(module, backend=trace, **how))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compiled]:
    torch._dynamo.reset()
    yield Compiled(monkeypatch)
    torch._dynamo.reset()
    config = torch._dynamo.config
    config.suppress_errors, config.recompile_limit = False, 8


def fault(detector: Detector, **frozen: float) -> str:
    return compile_stages(detector, CPU, batch_size=2, sides=(64,), frozen=frozen, fraction=0.0)


def learn(detector: Detector, *, side: int, count: int) -> tuple[float, list[Tensor]]:
    images, targets = small_batch(side=side, count=count)
    images = images.to(memory_format=torch.channels_last)
    detector.zero_grad()
    (loss,) = detector.train().losses(images, targets).values()
    torch.autograd.backward(loss)
    return float(loss.detach()), [item.grad for item in detector.parameters() if item.grad is not None]


def test_compiled_stages_learn_the_same_from_images_of_any_size_and_number(compiled: Compiled) -> None:
    plain = Twice()
    detector = copy.deepcopy(plain)
    assert fault(detector) == ""
    assert list(detector.state_dict()) == list(plain.state_dict())
    tried = compiled.graphs
    assert tried >= 2
    for side, count in ((64, 2), (96, 2), (128, 3)):
        loss, gradients = learn(detector, side=side, count=count)
        wanted_loss, wanted = learn(plain, side=side, count=count)
        assert loss == pytest.approx(wanted_loss, rel=1e-6)
        assert len(gradients) == len(wanted) == 6
        for one, other in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(one, other)
    assert compiled.graphs == tried
    for name, values in plain.state_dict().items():
        torch.testing.assert_close(detector.state_dict()[name], values)


def test_a_copy_and_a_detector_that_is_watched_are_not_compiled(compiled: Compiled) -> None:
    detector = Twice()
    assert fault(detector) == ""
    torch._dynamo.reset()
    compiled.graphs = 0
    learn(copy.deepcopy(detector), side=64, count=2)
    watch = LayerWatch(detector)
    learn(detector, side=64, count=2)
    assert compiled.graphs == 0
    assert watch.figures(cut=1.0)["mean"]["first.0"] == pytest.approx(0.5, abs=0.01)  # of noise in 0..1
    watch.close()
    learn(detector, side=64, count=2)
    assert compiled.graphs == 2


def test_what_cannot_be_compiled_is_told_and_left_as_it_is(compiled: Compiled) -> None:
    detector = Twice()
    compiled.fault = "no compiler of C++ is installed"
    assert compiled.fault in fault(detector)
    loss, gradients = learn(detector, side=64, count=2)
    wanted_loss, wanted = learn(Twice(), side=64, count=2)
    assert loss == wanted_loss
    assert all(torch.equal(one, other) for one, other in zip(gradients, wanted, strict=True))


def test_a_form_that_fails_later_on_is_computed_as_it_is(compiled: Compiled) -> None:
    detector = Twice()
    assert fault(detector) == ""
    compiled.fault = "no room for the kernels"
    detector.first.requires_grad_(False)
    loss, gradients = learn(detector, side=64, count=2)
    assert loss == pytest.approx(learn(Twice(), side=64, count=2)[0], rel=1e-6)
    assert len(gradients) == 3


def test_layers_that_are_frozen_are_so_while_it_is_tried(compiled: Compiled) -> None:
    detector = Twice()
    assert fault(detector, first=1.0) == ""
    tried = compiled.graphs
    Freezing(detector.train(), {"first": 1.0}).hold(0.0)
    images, _ = small_batch()
    torch.autograd.backward(detector.losses(images.to(memory_format=torch.channels_last), [])["class"])
    assert compiled.graphs == tried


def test_a_run_that_begins_with_small_images_is_compiled_for_both_sizes() -> None:
    """0.65 · 640 is 416, which is 13 · 32."""
    small = TrainConfig().with_settings({"small_until": 0.5})
    assert Sizes(small, 640).usual == (416, 640)
    assert Sizes(TrainConfig().with_settings({"small_until": 0.0}), 640).usual == (640,)


def train(run: RunFolder) -> tuple[EndReason, list[Event]]:
    heard: list[Event] = []
    session = Session(run, attempt=0, emit=heard.append, flags=StopFlags(), group=Group())
    return session.train().reason, heard


def test_a_run_that_cannot_be_compiled_says_so_and_completes(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, compiled: Compiled
) -> None:
    monkeypatch.setattr("detcore.training.session.build_detector", lambda *_names, **_sizes: small_detector())
    compiled.fault = "no compiler of C++ is installed"
    reason, heard = train(make_run(images=3, val=1, epochs=1, image_size=64, compile=True))
    assert reason is EndReason.COMPLETED
    assert any(
        compiled.fault in event.text for event in heard if isinstance(event, Log) and event.level == "warning"
    )


def test_sparing_memory_and_compiling_exclude_each_other() -> None:
    config = TrainConfig().with_settings({"compile": True, "checkpoint_activations": True})
    with pytest.raises(ConfigError, match="do not go together"):
        config.check()
