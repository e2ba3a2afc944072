"""Config, schedule, moving average, threads, checkpoints."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.optimisation import Optimisation
from detcore.jobs.settings.runtime import Runtime
from detcore.jobs.settings.sections import SETTINGS
from detcore.training.ema import Ema
from detcore.training.load import Load, choose_learning_rate, choose_load
from detcore.training.machine import ThreadGovernor
from detcore.training.optimisers import make_optimiser
from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.checkpoint import (
    Checkpoint,
    RunState,
    newest_checkpoint,
    optimiser_tensors,
    read_checkpoint,
    restore_optimiser,
    rotate_checkpoint,
    write_checkpoint,
)
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.running import choose_device
from detcore.zoo.spec import Recipe

CASES = Path(__file__).resolve().parents[2] / "cases"


def test_a_config_survives_json() -> None:
    config = TrainConfig(
        learning=Learning(epochs=3, minutes=None, batch_size=4),
        augmentation=Augmentation(flip_vertical=True),
        runtime=Runtime(device="cuda:1"),
    )
    assert TrainConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"wings": 2}, "no training setting 'wings'"),
        ({"learning": {"minutes": 1}}, "no training setting 'learning'"),
        ({"version": "new"}, "version is 'new', expected a whole number"),
        ({"version": 2, "minutes": 1}, "no training setting 'minutes'"),
        ({"version": 2, "augmentation": {"wings": 2}}, "no training setting 'augmentation.wings'"),
        ({"version": 2, "augmentation": {"mosaic": "x"}}, "augmentation.mosaic is 'x', expected a number"),
        ({"version": 2, "augmentation": 3}, "augmentation is 3, expected an object"),
        ({"version": 2, "detector": 3}, "detector is 3, expected a text"),
        ({"version": 2, "options": []}, "options is [], expected an object"),
        ({"minutes": 1, "epochs": 2}, "either minutes or epochs"),
        ({"minutes": None}, "either minutes or epochs"),
        ({"minutes": -1}, "learning.minutes is -1, it must be a number of more than 0"),
        ({"batch_size": 0}, "learning.batch_size is 0, it must be a whole number of at least 1"),
        ({"batch_size": "8"}, "learning.batch_size is '8', expected a whole number"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"ema": 1}, "learning.ema is 1, expected true or false"),
        ({"seed": True}, "seed is True"),
        ({"device": "cuda:²"}, "runtime.device is 'cuda:²'. Use auto, cpu"),
        ({"device": "tpu"}, "runtime.device is 'tpu'. Use auto, cpu"),
        ({"image_size": 5}, "learning.image_size is 5, it must be a whole number from 64 to 4096"),
        ({"precision": "fp8"}, "runtime.precision is 'fp8', it must be auto or fp32 or bf16 or fp16"),
        ({"mosaic": 1.5}, "augmentation.mosaic is 1.5, it must be a number from 0 to 1"),
    ],
)
def test_senseless_settings_are_refused_by_name_and_file(record: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json(json.dumps(record), path="config.json")
    assert words in str(caught.value)
    assert "config.json" in str(caught.value)


def test_a_run_is_read_whose_detector_is_not_installed_and_refused_when_it_is_to_train() -> None:
    config = TrainConfig.from_json('{"model": "yolo9000", "options": {"wings": 2}}')
    assert (config.detector, config.options) == ("yolo9000", {"wings": 2})
    with pytest.raises(ConfigError, match="'yolo9000' is not installed"):
        config.check()


def test_a_config_is_written_in_its_sections() -> None:
    record = json.loads(TrainConfig().to_json())
    assert list(record) == [
        "version",
        "detector",
        "options",
        "learning",
        "optimisation",
        "augmentation",
        "runtime",
    ]
    assert (record["version"], record["learning"]["minutes"], record["runtime"]["device"]) == (
        2,
        10.0,
        "auto",
    )


def test_a_config_of_0_1_with_its_settings_side_by_side_is_read() -> None:
    file = CASES / "version_0_1/old.reticle/runs/001-reticle-s/config.json"
    assert TrainConfig.load(file) == TrainConfig(
        learning=Learning(minutes=0.2, weight_decay=0.05), runtime=Runtime(seed=1)
    )


def test_what_a_later_version_wrote_is_read_as_far_as_it_is_known_and_refused_when_it_is_to_train() -> None:
    record = {
        "version": 3,
        "detector": "reticle-s",
        "export": {"onnx": True},
        "learning": {"minutes": None, "epochs": 7, "optimiser": "lion", "image_size": 8192},
        "augmentation": "all of it",
        "runtime": {"device": "cpu", "precision": "fp8"},
    }
    config = TrainConfig.from_json(json.dumps(record))
    assert config.learning == Learning(minutes=None, epochs=7)
    assert config.augmentation == Augmentation()
    assert config.runtime == Runtime(device="cpu")
    with pytest.raises(ConfigError, match=r"of a later Reticle \(version 3 .* start a new run"):
        config.check()


def test_a_later_version_may_have_another_way_to_end_a_run() -> None:
    config = TrainConfig.from_json('{"version": 9, "learning": {"minutes": null, "steps": 500}}')
    assert config.learning == Learning()


def test_no_two_sections_have_a_setting_of_one_name() -> None:
    sections = (Learning, Optimisation, Augmentation, Runtime)
    assert sum(len(fields(section)) for section in sections) == len(SETTINGS)


def test_options_that_the_detector_does_not_have_are_refused_when_it_is_to_train() -> None:
    with pytest.raises(ConfigError, match="reticle-s has no option 'wings'"):
        TrainConfig(options={"wings": 2}).check()


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        TrainConfig.from_json(text)


@pytest.mark.parametrize(("wanted", "size"), [(None, 320), (333, 320), (640, 640), (70, 64)])
def test_sizes_are_multiples_of_32(wanted: int | None, size: int) -> None:
    assert TrainConfig(learning=Learning(image_size=wanted)).size() == size


def test_memory_that_runs_out_halves_the_batch_then_the_size_shrinks() -> None:
    load = Load(batch_size=4, accumulate=1, image_size=640)
    assert load.shrunk(0) == load
    assert load.shrunk(1) == Load(batch_size=2, accumulate=2, image_size=640)
    assert load.shrunk(2) == Load(batch_size=1, accumulate=4, image_size=640)
    assert load.shrunk(3) == Load(batch_size=1, accumulate=4, image_size=480)


@pytest.mark.parametrize(("batch", "less"), [(6, [(3, 2), (1, 6)]), (10, [(5, 2), (1, 10)]), (7, [(1, 7)])])
def test_a_step_has_as_many_images_in_smaller_batches(batch: int, less: list[tuple[int, int]]) -> None:
    load = Load(batch_size=batch, accumulate=1, image_size=640)
    found = [load.shrunk(attempts) for attempts in range(1, len(less) + 1)]
    assert [(item.batch_size, item.accumulate) for item in found] == less


def test_a_batch_is_not_made_smaller_than_the_detector_can_learn_from() -> None:
    load = Load(batch_size=4, accumulate=1, image_size=640)
    assert load.shrunk(1, smallest_batch=2) == Load(batch_size=2, accumulate=2, image_size=640)
    assert load.shrunk(2, smallest_batch=2) == Load(batch_size=2, accumulate=2, image_size=480)


@pytest.mark.parametrize(
    ("on_gpu", "images", "size", "batch"),
    [
        (False, 100, None, 8),
        (False, 3, None, 3),
        (True, 1000, None, 32),
        (True, 160, None, 10),
        (True, 1000, 4096, 2),
    ],
)
def test_a_batch_suits_machine_and_training_set(
    on_gpu: bool, images: int, size: int | None, batch: int
) -> None:
    config = TrainConfig(learning=Learning(image_size=size))
    assert choose_load(config, on_gpu=on_gpu, images=images, attempt=0).batch_size == batch


def test_a_batch_that_is_given_is_taken_and_halved_when_memory_ran_out() -> None:
    config = TrainConfig(learning=Learning(batch_size=6))
    assert choose_load(config, on_gpu=True, images=100, attempt=0).batch_size == 6
    assert choose_load(config, on_gpu=True, images=100, attempt=1) == Load(
        batch_size=3, accumulate=2, image_size=320
    )


@pytest.mark.parametrize(
    ("batch", "processes", "rate"), [(8, 1, 2.5e-3), (2, 1, 1.25e-3), (8, 4, 5e-3), (64, 8, 5e-3)]
)
def test_the_learning_rate_grows_with_the_root_of_the_images_in_a_step(
    batch: int, processes: int, rate: float
) -> None:
    load = Load(batch_size=batch, accumulate=1, image_size=320)
    assert choose_learning_rate(TrainConfig(), load, world_size=processes) == pytest.approx(rate)
    given = TrainConfig(learning=Learning(learning_rate=0.01))
    assert choose_learning_rate(given, load, world_size=processes) == 0.01


class TwoParts(Detector):
    """A backbone with a stem of its own, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({"stem": nn.Linear(2, 2), "body": nn.Linear(2, 2)})
        self.head = nn.Linear(2, 2)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        raise NotImplementedError

    def look(self, images: Tensor) -> list[Look]:
        raise NotImplementedError


def grouped(**groups: float) -> Recipe:
    starts = {name.replace("_", "."): share for name, share in groups.items()}
    return Recipe(learning_rate=0.1, batch_size=8, optimiser="sgd", weight_decay=0.0, rate_groups=starts)


def test_parts_learn_at_their_share_of_the_rate_and_the_longest_name_decides() -> None:
    detector = TwoParts()
    optimiser = make_optimiser(
        detector, grouped(backbone=0.1, backbone_stem=0.01), device=torch.device("cpu")
    )
    before = {name: parameter.detach().clone() for name, parameter in detector.named_parameters()}
    for parameter in detector.parameters():
        parameter.grad = torch.full_like(parameter, 2.0)
    optimiser.step()
    # The first step of SGD with momentum goes down by rate * gradient: 0.1 * 2 times 0.01, 0.1 and 1.
    steps = {"backbone.stem": 0.002, "backbone.body": 0.02, "head": 0.2}
    for name, parameter in detector.named_parameters():
        step = steps[name.rpartition(".")[0]]
        torch.testing.assert_close(parameter.detach(), before[name] - step, atol=1e-6, rtol=0)


def test_a_recipe_whose_rate_group_fits_no_parameter_is_a_mistake() -> None:
    with pytest.raises(
        ConfigError, match="begins with 'neck', a rate group. Names begin with backbone., head."
    ):
        make_optimiser(TwoParts(), grouped(neck=0.1), device=torch.device("cpu"))


def test_moments_come_back_to_their_parameters_whatever_groups_there_are_by_then() -> None:
    detector, cpu = TwoParts(), torch.device("cpu")
    before = make_optimiser(detector, grouped(), device=cpu)
    for number, parameter in enumerate(detector.parameters()):
        parameter.grad = torch.full_like(parameter, float(number))
    before.step()
    after = make_optimiser(detector, grouped(head=0.5, backbone=0.1), device=cpu)
    restore_optimiser(after, detector, optimiser_tensors(before, detector))
    # The first momentum is the gradient.
    for number, parameter in enumerate(detector.parameters()):
        assert torch.equal(
            after.state[parameter]["momentum_buffer"], torch.full_like(parameter, float(number))
        )
    assert sorted({group["lr"] for group in after.param_groups}) == pytest.approx([0.01, 0.05])


def test_the_moving_average_forgets_the_random_start_and_then_follows_slowly() -> None:
    detector = Reticle(1)
    ema = Ema(detector)
    name = "heads.0.classes.2.weight"
    with torch.no_grad():
        for value in detector.state_dict().values():
            value.fill_(1)
    ema.update(detector, 1)
    start = 1 - 2 / 11
    before = dict(Reticle(1).state_dict())[name]
    assert before.shape == ema.detector.state_dict()[name].shape
    assert float(ema.detector.state_dict()["backbone.stem.0.1.running_mean"][0]) == pytest.approx(start)
    assert int(ema.detector.state_dict()["backbone.stem.0.1.num_batches_tracked"]) == 1
    ema.update(detector, 10**9)
    assert float(ema.detector.state_dict()["backbone.stem.0.1.running_mean"][0]) == pytest.approx(
        start + (1 - start) * 0.0002
    )


def feed(governor: ThreadGovernor, seconds: list[float]) -> int:
    threads = governor.threads
    for value in seconds:
        threads = governor.after_step(value)
    return threads


def test_threads_are_halved_while_step_times_spread_and_kept_when_that_helps() -> None:
    governor = ThreadGovernor(4)
    assert feed(governor, [0.1] * 24) == 4
    assert feed(governor, [0.1, 0.5, 0.9, 0.2] * 6) == 2
    assert feed(governor, [0.2] * 24) == 2


def test_fewer_threads_that_are_slower_are_given_up() -> None:
    governor = ThreadGovernor(2)
    assert feed(governor, [0.1, 0.2, 0.3, 0.1] * 6) == 1
    assert feed(governor, [0.4] * 24) == 2


def test_all_threads_are_tried_again_later() -> None:
    governor = ThreadGovernor(2)
    feed(governor, [0.1, 0.5, 0.9, 0.2] * 6)
    seen = [feed(governor, [0.2] * 24) for _ in range(12)]
    assert seen[0] == 1
    assert 2 in seen


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(ConfigError, match="cuda:99"):
        choose_device("cuda:99")


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(
        state=RunState(step=step, best_ap=0.25),
        model="reticle-s",
        class_ids=(5, 7),
        image_size=320,
        config={"seed": 3},
        tensors={"ema.a": torch.full((2, 3), float(step)), "weights.a": torch.zeros(0)},
    )


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    write_checkpoint(checkpoint(4), path)
    back = read_checkpoint(path)
    assert (back.state, back.class_ids, back.config) == (RunState(step=4, best_ap=0.25), (5, 7), {"seed": 3})
    torch.testing.assert_close(back.part("ema")["a"], torch.full((2, 3), 4.0))
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.safetensors"]


def test_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    last, previous = tmp_path / "last.safetensors", tmp_path / "previous.safetensors"
    for step in (1, 2, 3):
        rotate_checkpoint(
            checkpoint(step), staged=tmp_path / "next.safetensors", last=last, previous=previous
        )
    assert read_checkpoint(last).state.step == 3
    assert read_checkpoint(previous).state.step == 2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_torn_checkpoint_is_passed_over_and_named(tmp_path: Path, share: float) -> None:
    last, previous = tmp_path / "last.safetensors", tmp_path / "previous.safetensors"
    for step in (1, 2):
        rotate_checkpoint(
            checkpoint(step), staged=tmp_path / "next.safetensors", last=last, previous=previous
        )
    content = last.read_bytes()
    last.write_bytes(content[: int(len(content) * share)])
    found, problems = newest_checkpoint([last, previous])
    assert found is not None
    assert found.state.step == 1
    assert "last.safetensors" in str(problems[0])


def test_without_files_there_is_no_checkpoint_and_no_complaint(tmp_path: Path) -> None:
    assert newest_checkpoint([tmp_path / "last.safetensors"]) == (None, [])


def test_gradients_are_cut_to_the_length_given_or_to_none_and_so_all_that_tell_of_it_agree() -> None:
    config = TrainConfig(learning=Learning(max_gradient_norm=3.0))
    assert config.longest_gradient == 3.0
    assert config.with_settings({"clip_gradient": False}).longest_gradient == float("inf")
