"""transformers' detectors come in by our door unchanged: losses, detections and weights files are its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from detcore.data.samples import split_samples
from detcore.deploy.checking import compare_answers
from detcore.deploy.torch_file import record, run_module
from detcore.errors import ConfigError
from detcore.inference.predictor import Predictor
from detcore.jobs.events import EndReason, Event, Step
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.ema import Ema
from detcore.training.recomputing import recompute_stages
from detcore.training.session import Session, TrainingResult
from detcore.weights.cache import check_weights, weights_path
from detcore.zoo import installed
from detcore.zoo.base import Target
from detcore.zoo.building import build_dense, build_detector
from detcore.zoo.catalogue import find_detector
from detcore.zoo.checkpoint import Checkpoint, RunState, read_checkpoint, write_checkpoint
from detcore.zoo.specs.transformers import CARDS, SIZES
from detcore.zoo.weights import load_weights

pytest.importorskip("transformers")

from transformers.loss import loss_lw_detr

from detcore.zoo.detectors.transformers_nets import ARCHITECTURES, QueryDetector, query_detector
from tests.detcore.zoo.tiny_transformers import TINY, their_net, their_processor, tiny_detector

NAMES = sorted(TINY)
SIDES = (128, 192)
"""Multiples of 64, so that nothing is padded."""


def pictures(height: int = SIDES[0], width: int = SIDES[1]) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))


def targets() -> list[Target]:
    """Of two images, the second without boxes."""
    none = torch.zeros(0, 4)
    return [
        Target(
            boxes=torch.tensor([[4.0, 6.0, 40.0, 50.0], [50.0, 10.0, 150.0, 90.0]]),
            labels=torch.tensor([0, 2]),
            ignore=none,
        ),
        Target(boxes=none, labels=torch.zeros(0, dtype=torch.int64), ignore=none),
    ]


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest) -> tuple[str, QueryDetector, Any]:
    """Ours and theirs, with the same weights."""
    detector, net = tiny_detector(request.param), their_net(request.param, 3)
    net.load_state_dict(detector.net.state_dict())
    return request.param, detector, net


def test_losses_are_those_of_transformers_for_equal_weights(pair: tuple[str, QueryDetector, Any]) -> None:
    card, detector, net = pair
    detector.train()
    net.train()
    # by hand: centre, width and height in shares of 192 x 128
    boxes = torch.tensor(
        [[22 / 192, 28 / 128, 36 / 192, 44 / 128], [100 / 192, 50 / 128, 100 / 192, 80 / 128]]
    )
    labels = [
        {"class_labels": torch.tensor([0, 2]), "boxes": boxes},
        {"class_labels": torch.zeros(0, dtype=torch.int64), "boxes": torch.zeros(0, 4)},
    ]
    shown = their_processor(card)(list(pictures()), return_tensors="pt")["pixel_values"]
    torch.manual_seed(5)  # dropout, and the noise that queries are taken away from
    expected = net(pixel_values=shown, labels=labels).loss
    torch.manual_seed(5)
    losses = detector.losses(pictures(), targets())
    torch.testing.assert_close(torch.stack(list(losses.values())).sum(), expected)
    assert {"class", "box", "giou"} <= losses.keys()
    assert all(float(value.detach()) > 0 for value in losses.values())


def test_detections_are_those_of_transformers_for_equal_weights(pair: tuple[str, QueryDetector, Any]) -> None:
    card, detector, net = pair
    processor = their_processor(card)
    with torch.no_grad():
        found = detector.eval().detect(pictures())
        answers = net.eval()(pixel_values=processor(list(pictures()), return_tensors="pt")["pixel_values"])
    expected = processor.post_process_object_detection(answers, threshold=0.01, target_sizes=[SIDES, SIDES])
    limits = torch.tensor([SIDES[1], SIDES[0]] * 2, dtype=torch.float32)
    for one, other in zip(found, expected, strict=True):
        order = other["scores"].argsort(descending=True, stable=True)
        boxes = torch.minimum(other["boxes"][order].clamp(min=0), limits)
        inside = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        count = int(inside.sum())  # some of theirs keep no more detections than there are queries
        assert 0 < count <= len(one["scores"])
        torch.testing.assert_close(one["scores"][:count], other["scores"][order][inside])
        # queries that say nearly the same have no order
        ours, theirs = (
            torch.cat([boxes, labels[:, None]], dim=1)
            for boxes, labels in (
                (one["boxes"], one["labels"]),
                (boxes[inside], other["labels"][order][inside]),
            )
        )
        assert float((ours[:, None] - theirs[None]).abs().amax(dim=2).amin(dim=0).max()) < 0.02


@pytest.mark.parametrize("card", NAMES)
def test_a_folder_of_the_hub_is_taken_with_the_rows_of_the_same_classes(tmp_path: Path, card: str) -> None:
    torch.manual_seed(7)
    net = their_net(card, 4)
    net.config.id2label = {0: "cat", 1: "dog", 2: "bird", 3: "fish"}
    net.save_pretrained(tmp_path)
    check_weights(str(tmp_path))
    detector = tiny_detector(card)
    before = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    report = load_weights(detector, weights_path(str(tmp_path)), class_names=("dog", "horse", "cat"))
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert (report.known_classes, report.new_classes) == (("dog", "cat"), ("horse",))
    after, theirs = detector.state_dict(), net.state_dict()
    for name, tensor in after.items():
        other = theirs[name.removeprefix("net.")]
        if other.shape == tensor.shape:
            assert torch.equal(tensor, other), name
        else:
            assert torch.equal(tensor[[0, 2]], other[[1, 0]]), name
            assert torch.equal(tensor[1], before[name][1]), name
            assert torch.equal(tensor[3:], other[4:]), name


def test_a_file_whose_classes_are_not_told_fits_but_for_its_heads_which_are_named(tmp_path: Path) -> None:
    their_net("d-fine", 80).save_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    report = load_weights(
        tiny_detector("d-fine"), tmp_path / "model.safetensors", class_names=("a", "b", "c")
    )
    heads = {f"model.decoder.class_embed.{layer}" for layer in range(2)} | {"model.enc_score_head"}
    assert {entry.split(" ")[0] for entry in report.mismatched} == {
        "net.model.denoising_class_embed.weight",
        *(f"net.{head}.{kind}" for head in heads for kind in ("weight", "bias")),
    }
    assert "net.model.enc_score_head.bias (80,) for (3,)" in report.mismatched
    assert (report.missing, report.unexpected) == ((), ())


def test_a_file_of_another_size_tells_what_does_not_fit(tmp_path: Path) -> None:
    other = TINY["detr"](3)
    other.encoder_ffn_dim = 48
    type(their_net("detr", 3))(other).save_pretrained(tmp_path)
    report = load_weights(tiny_detector("detr"), tmp_path / "model.safetensors")
    assert set(report.mismatched) == {
        "net.model.encoder.layers.0.mlp.fc1.weight (48, 32) for (32, 32)",
        "net.model.encoder.layers.0.mlp.fc1.bias (48,) for (32,)",
        "net.model.encoder.layers.0.mlp.fc2.weight (32, 48) for (32, 32)",
    }


def test_names_of_older_files_are_turned(tmp_path: Path) -> None:
    """As facebook/detr-resnet-50 has them, of 2021."""
    net = their_net("detr", 3)
    old = {
        name.replace("model.backbone.", "model.backbone.conv_encoder.")
        .replace("o_proj", "out_proj")
        .replace(".mlp.fc", ".fc"): tensor
        for name, tensor in net.state_dict().items()
    }
    torch.save(old, tmp_path / "pytorch_model.bin")
    report = load_weights(tiny_detector("detr"), tmp_path / "pytorch_model.bin")
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())


def test_tensors_of_several_names_are_kept_once_and_averaged_once(tmp_path: Path) -> None:
    detector = tiny_detector("d-fine").eval()
    tensors = detector.state_dict()
    assert not any(name.startswith(("net.class_embed", "net.bbox_embed")) for name in tensors)
    ema = Ema(detector)
    name = "net.model.decoder.class_embed.0.bias"
    ema.detector.state_dict()[name].fill_(0.0)
    with torch.no_grad():
        tensors[name].fill_(1.0)
    ema.update(detector, 0)
    assert ema.detector.state_dict()[name].tolist() == pytest.approx([0.9] * 3)  # 1 - (1 + 0) / (10 + 0)
    write_checkpoint(
        Checkpoint(
            state=RunState(),
            model="d-fine",
            class_ids=(1, 2, 3),
            image_size=128,
            config={},
            tensors={f"weights.{name}": tensor for name, tensor in tensors.items()},
        ),
        tmp_path / "last.safetensors",
    )
    again = tiny_detector("d-fine").eval()
    nn.init.zeros_(again.net.get_parameter(name.removeprefix("net.")))
    again.load_state_dict(read_checkpoint(tmp_path / "last.safetensors").kept())
    with torch.no_grad():
        for one, other in zip(detector.answers(pictures()), again.answers(pictures()), strict=True):
            assert torch.equal(one, other)


PUBLISHED = {
    ("d-fine", "n"): (3.8, 80),
    ("d-fine", "s"): (10.2, 80),
    ("d-fine", "m"): (19.2, 80),
    ("deim-v2", "atto"): (0.5, 80),
    ("deim-v2", "femto"): (1.0, 80),
    ("deim-v2", "pico"): (1.5, 80),
    ("deim-v2", "n"): (3.6, 80),
    ("rt-detr-v2", "r18"): (20.0, 80),
    ("rt-detr-v2", "r34"): (31.0, 80),
    ("rt-detr-v2", "r50"): (42.0, 80),
    ("lw-detr", "tiny"): (12.1, 91),
    ("lw-detr", "small"): (14.6, 91),
    ("lw-detr", "medium"): (28.2, 91),
    ("rf-detr", "nano"): (30.5, 91),
    ("rf-detr", "small"): (32.1, 91),
    ("rf-detr", "medium"): (33.7, 91),
    ("detr", "resnet50"): (41.5, 91),
    ("detr", "resnet101"): (60.0, 91),
    ("conditional-detr", "resnet50"): (43.4, 91),
    ("deformable-detr", "plain"): (40.0, 91),
    ("deformable-detr", "refined"): (40.6, 91),
    ("yolos", "tiny"): (6.5, 91),
    ("yolos", "small"): (30.7, 91),
    ("yolos", "base"): (127.0, 91),
}
"""Millions of parameters for so many classes, as their papers and repositories state them."""


def test_every_size_has_as_many_parameters_as_was_published() -> None:
    sizes = {(card.id, size) for card in CARDS for size in SIZES[card.id]}
    assert sizes == PUBLISHED.keys()
    for (card, size), (published, classes) in PUBLISHED.items():
        # D-FINE's are stated without what only training has, and some in whole millions
        assert millions(card, size, classes) == pytest.approx(published, rel=0.03, abs=0.06), (card, size)


def millions(card: str, size: str, classes: int) -> float:
    with torch.device("meta"):
        net = build_detector(card, num_classes=classes, image_size=640, options={"size": size})
    return sum(parameter.numel() for parameter in net.parameters()) / 1e6


def test_the_card_of_a_size_says_what_is_its() -> None:
    for card in CARDS:
        for name, size in list(SIZES[card.id].items())[1:]:
            told = card.fitted_to({"size": name})
            assert told.parameters == pytest.approx(millions(card.id, name, 3), abs=0.051), (card.id, name)
            assert told.input.image_size == (size.image_size or card.input.image_size)


@pytest.mark.parametrize("hidden", ["transformers", "scipy", "timm"])
def test_where_a_package_is_missing_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    real = installed.find_spec
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name == hidden else real(name))
    told = str(installed.missing_for(find_detector("d-fine")))
    assert told == (
        f"{hidden}, which D-FINE (transformers) needs, is not installed. "
        "Install it with: pip install 'reticle[detr]'."
    )
    with pytest.raises(ConfigError, match=r"pip install 'reticle\[detr\]'"):
        build_detector("d-fine", num_classes=3, image_size=320)
    assert installed.missing_for(find_detector("reticle-s")) is None


def test_small_images_are_padded_until_there_are_places_for_all_queries() -> None:
    config = TINY["d-fine"](3)
    config.num_queries = 100
    detector = query_detector(find_detector("d-fine"), config).eval()
    with torch.no_grad():
        boxes, scores = detector.answers(pictures(32, 64))
    assert boxes.shape == (2, 100, 4)
    assert scores.shape == (2, 100, 3)


@pytest.mark.parametrize("card", NAMES)
def test_what_a_look_leaves_behind_does_not_disturb_learning(card: str) -> None:
    """transformers keeps anchors and positions; of a look they are tensors that no gradient may go through."""
    detector = tiny_detector(card).eval()
    with torch.inference_mode():
        detector.look(pictures())
    losses = detector.train().losses(pictures(), targets())
    torch.autograd.backward(torch.stack(list(losses.values())).sum())


@pytest.mark.parametrize("card", [card for card in NAMES if ARCHITECTURES[card].stages])
def test_stages_can_be_computed_again(card: str) -> None:
    found: list[tuple[Tensor, Tensor]] = []
    for again in (False, True):
        detector = tiny_detector(card).train()
        stages = detector.stages()
        assert len(stages) == 4
        assert not again or recompute_stages(detector)
        torch.manual_seed(5)
        total = torch.stack(list(detector.losses(pictures(), targets()).values())).sum()
        torch.autograd.backward(total)
        weight = next(stages[0].parameters())
        assert weight.grad is not None
        found.append((total.detach(), weight.grad))
    torch.testing.assert_close(found[1], found[0])


def test_losses_wait_for_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process of several may look at a loss while the others do something else."""
    monkeypatch.setattr(loss_lw_detr, "_is_torch_distributed_initialized", lambda: True)
    monkeypatch.setattr(loss_lw_detr.dist, "all_reduce", lambda *_, **__: pytest.fail("asked"))
    losses = tiny_detector("lw-detr").train().losses(pictures(), targets())
    assert bool(torch.isfinite(torch.stack(list(losses.values()))).all())
    assert loss_lw_detr._is_torch_distributed_initialized()


def test_answers_that_are_no_numbers_are_losses_that_are_none() -> None:
    """Matching would fail without saying why; a training says which images it was at."""
    detector = tiny_detector("d-fine").train()
    losses = detector.losses(pictures() * torch.nan, targets())
    assert bool(torch.stack(list(losses.values())).sum().isnan())


def test_d_fine_leaves_the_program_for_any_number_of_images() -> None:
    """As a graph of torch; to write it as ONNX, too, takes half a minute, and each export is checked."""
    config = TINY["d-fine"](3)  # of one map, which makes the graph short
    config.backbone_config.out_features = ["stage4"]
    config.encoder_in_channels, config.decoder_in_channels = [32], [32]
    config.encode_proj_layers, config.feat_strides = [0], [32]
    config.num_feature_levels, config.num_queries = 1, 4
    dense = build_dense("d-fine", query_detector(find_detector("d-fine"), config), image_size=64)
    program = record(dense)
    assert not any("_is_all_true" in str(node.target) for node in program.graph.nodes)  # no operator of ONNX
    run, expected = run_module(program.module()), run_module(dense.net)
    for count in (1, 3):
        compare_answers(run, expected, torch.rand(count, 3, 64, 64).numpy(), ordered=False).check()


def train(run: RunFolder, *, stop_at: int | None = None) -> TrainingResult:
    flags = StopFlags()

    def emit(event: Event) -> None:
        if isinstance(event, Step) and event.step == stop_at:
            flags.stop.set()

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train()


def test_a_run_trains_goes_on_and_predicts(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(
        images=6, val=2, epochs=2, batch_size=2, image_size=64, model="deim-v2", options={"size": "atto"}
    )
    stopped = train(run, stop_at=1)
    assert (stopped.reason, stopped.state.step) == (EndReason.STOPPED, 1)
    done = train(run)
    assert (done.reason, done.state.step) == (EndReason.COMPLETED, 4)
    predictor = Predictor(read_checkpoint(run.last), torch.device("cpu"))
    samples = split_samples(Snapshot.load(run.snapshot), seed=0).val
    found = predictor.predict(samples, problem=lambda error: pytest.fail(str(error)))
    assert found is not None
    assert set(found.labels.tolist()) <= {11, 12}
