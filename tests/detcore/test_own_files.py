"""Files of our own are foreign input: anybody may have written them, and disks fail."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detcore.curation.emphasis import Emphasis
from detcore.errors import ConfigError, ReticleError
from detcore.evaluation.coco_files import read_coco_files
from detcore.evaluation.flat_json import read_flat_records
from detcore.formats.common.staging import read_marker, read_marks
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Ended, EndReason, Log, Step, Validation, decode, encode
from detcore.jobs.settings.sections import SETTINGS
from detcore.project.columns import read_columns
from detcore.project.cross_validation import read_plan
from detcore.project.project import Project
from detcore.project.run_folder import RunFolder, is_running, read_json
from detcore.project.run_weights import weights_step
from detcore.project.runs import (
    detections_fault,
    load_detections,
    merge_detections,
    predicted_images,
    read_run,
    save_detections,
)
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import Detections
from tests.settings_of_runs import with_settings

DEEP = "[" * 100_000
"""JSON that no interpreter can follow: json.loads raises RecursionError at it, which is no ValueError."""

FOUND = Detections(
    image_ids=np.array([1, 2]),
    labels=np.array([1, 1]),
    boxes=np.array([[0.0, 0, 5, 5], [1, 1, 6, 6]]),
    scores=np.array([0.5, 0.25]),
)
STEP = Step(
    step=3,
    epoch=0.5,
    time=2.0,
    fraction=0.1,
    remaining=None,
    learning_rate=0.1,
    losses={"box": 1.5},
    images_per_second=3.0,
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "001-reticle-s"
    folder.mkdir()
    return RunFolder(folder)


def write_tensors(path: Path, head: str) -> None:
    """A safetensors file with that head and nothing else."""
    path.write_bytes(len(head).to_bytes(8, "little") + head.encode())


def described(run: RunFolder) -> object:
    run.info.write_text(DEEP)
    run.events.write_text(DEEP + "\n" + '{"event": "log", "level": ' + DEEP + "\n")
    run.pid.write_text(DEEP)
    write_tensors(run.best, DEEP)
    return read_run(run)


def marked(run: RunFolder) -> object:
    (run.path / "reticle.json").write_text('{"reticle_export": 1, "images": ' + DEEP)
    return read_marker(run.path), read_marks([run.path])


@pytest.mark.parametrize(
    "read",
    [
        described,
        marked,
        lambda run: decode(DEEP),
        lambda run: read_json(run.config),
        lambda run: is_running(run),
        lambda run: weights_step(run),
        lambda run: read_flat_records(DEEP.encode() + b"}", {}),
    ],
)
def test_nesting_without_end_counts_as_a_damaged_file_where_damage_is_passed_over(
    run: RunFolder, read: Callable[[RunFolder], object]
) -> None:
    for file in (run.config, run.pid):
        file.write_text(DEEP)
    write_tensors(run.best, '{"__metadata__": {"reticle": ' + json.dumps(DEEP) + "}}")
    read(run)


@pytest.mark.parametrize("content", [DEEP.encode(), b"\xff\xfe{", b"", b"null", b"[]", b'{"a": 1'])
def test_a_file_that_is_no_object_is_told_with_its_name(run: RunFolder, content: bytes) -> None:
    for file in (run.config, run.emphasis, run.path / "folds.json"):
        file.write_bytes(content)
    for read in (
        lambda: TrainConfig.load(run.config),
        lambda: TrainConfig.from_json(content, path=run.config),
        lambda: Emphasis.load(run.emphasis),
        lambda: read_plan(run),
        lambda: read_coco_files(run.config, run.config),
    ):
        with pytest.raises(ReticleError) as caught:
            read()
        assert Path(caught.value.path or "").parent == run.path


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        (STEP, "step", "x"),
        (STEP, "step", 3.0),
        (STEP, "step", True),
        (STEP, "step", 10**400),
        (STEP, "time", None),
        (STEP, "time", float("inf")),
        (STEP, "fraction", float("nan")),
        (STEP, "remaining", "soon"),
        (STEP, "losses", [1.5]),
        (STEP, "losses", {"box": "low"}),
        (STEP, "part", 5),
        (Validation(step=1, epoch=1, time=1, metrics={}, per_class={}, best=True), "best", "yes"),
        (Validation(step=1, epoch=1, time=1, metrics={}, per_class={}, best=True), "metrics", {"AP": []}),
        (Log(level="info", text="a"), "text", {"b": 1}),
        (Ended(reason=EndReason.COMPLETED, time=1.0), "reason", "bored"),
        (Ended(reason=EndReason.COMPLETED, time=1.0), "result", []),
    ],
)
def test_an_event_with_a_value_of_another_kind_is_none(event: Any, field: str, value: Any) -> None:
    line = json.dumps({**json.loads(encode(event)), field: value})
    assert decode(line) is None
    assert decode(encode(event)) == event


def test_events_of_other_versions_are_read_as_far_as_they_are_known() -> None:
    line = json.dumps({**json.loads(encode(STEP)), "mood": "good"})
    assert decode(line) == STEP
    not_a_number = replace(STEP, losses={"box": float("nan")})
    restored = decode(encode(not_a_number))
    assert isinstance(restored, Step)
    assert np.isnan(restored.losses["box"])


NUMBERS = [name for name, item in SETTINGS.items() if item.kind is float]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_a_setting_that_is_not_finite_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is .*finite"):
        TrainConfig.from_json(f'{{"{name}": {value}}}')
    with pytest.raises(ConfigError, match=f"{name} is .*finite"):
        with_settings(TrainConfig(), **{name: float(value)})


def test_a_seed_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed is 9+, expected a smaller number"):
        TrainConfig.from_json('{"seed": ' + "9" * 30 + "}")


def array(claimed: str, data: bytes = bytes(24)) -> bytes:
    """An npy file with that header: magic, version 1.0, length of the header, header (NEP 1)."""
    header = (claimed + " " * (118 - len(claimed) - 1) + "\n").encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def npz(path: Path, member: bytes, *, name: str = "scores.npy", method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, member)
    return path


def header(shape: str, kind: str = "<f8") -> str:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize(
    "member",
    [
        array(header("(206158430208,)")),  # 1.5 TiB
        array(header("(2,)")),  # less than there is
        array(header("(-3,)")),
        array(header("(-1, -3)")),
        array(header("(3,)", "|O")),
        array(header("(3,)", "|V8")),
        array(header("(3,)", "<i8")),
        array(header("(" * 60 + ")" * 60)),
        array("{'descr': "),
        array("[1, 2, 3]"),
        array(header("(3,)"), bytes(10)),
        b"",
        b"\x93NUMPY\x09\x00",
        b"no array at all",
    ],
)
def test_a_column_that_is_not_what_it_claims_is_damage(tmp_path: Path, member: bytes) -> None:
    path = npz(tmp_path / "a.npz", member)
    with pytest.raises(ReticleError, match="damaged") as caught:
        read_columns(path, {"scores": "f"})
    assert caught.value.path == str(path)


def test_a_column_of_its_claimed_size_is_read_packed_or_not(tmp_path: Path) -> None:
    values = np.array([0.5, 1.5, 2.5])
    data = array(header("(3,)"), values.tobytes())
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        columns = read_columns(npz(tmp_path / "a.npz", data, method=method), {"scores": "f"})
        assert np.array_equal(columns["scores"], values)
    columns["scores"][0] = 9.0  # nobody else holds it


def test_a_member_that_claims_more_than_any_packing_gives_is_damage(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", array(header("(3,)")))
    data = path.read_bytes()
    size = len(array(header("(3,)"))).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (0xFFFF_0000).to_bytes(4, "little")))
    with pytest.raises(ReticleError, match="damaged"):
        read_columns(path, {"scores": "f"})


def test_a_detections_file_is_whole_or_damaged_wherever_it_is_cut_or_changed(run: RunFolder) -> None:
    save_detections(run, FOUND)
    data = run.detections.read_bytes()
    rng = np.random.default_rng(3)
    for number in range(300):
        cut = bytearray(data)
        if number % 3 == 0:
            cut = cut[: int(rng.integers(len(cut)))]
        for at in rng.integers(0, max(len(cut), 1), 5) if len(cut) else ():
            cut[at] = int(rng.integers(256))
        run.detections.write_bytes(bytes(cut))
        try:
            load_detections(run)
        except ReticleError:
            continue


def test_a_snapshot_with_values_of_other_kinds_is_told(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a.jpg"]) as project:
        take_snapshot(project).save(tmp_path / "good.npz")
    columns = dict(np.load(tmp_path / "good.npz", allow_pickle=False))
    record = json.loads(columns["record"].tobytes())
    [image] = record["images"]
    wrong: list[Any] = [
        DEEP,
        "{}",
        json.dumps({**record, "images": {"a": 1}}),
        json.dumps({**record, "images": [[*image[:5], "asleep"]]}),
        json.dumps({**record, "images": [["one", *image[1:]]]}),
        json.dumps({**record, "images": [[2**70, *image[1:]]]}),
        json.dumps({**record, "images": [[1, None, *image[2:]]]}),
        json.dumps({**record, "images": [[1, "a", "wide", *image[3:]]]}),
        json.dumps({**record, "images": [image[:5]]}),
        json.dumps({**record, "classes": [{"id": "x", "name": "cat", "color": "#ff0000"}]}),
        json.dumps({**record, "classes": ["cat"]}),
    ]
    for text in wrong:
        columns["record"] = np.frombuffer(text.encode(), np.uint8)
        np.savez(tmp_path / "bad.npz", allow_pickle=False, **columns)
        with pytest.raises(ReticleError, match=r"bad\.npz"):
            Snapshot.load(tmp_path / "bad.npz")


def test_errors_to_learn_from_and_plans_are_of_the_kinds_that_they_are_of(run: RunFolder) -> None:
    emphasis = {
        "format": 1,
        "run": "001",
        "threshold": 0.5,
        "iou_threshold": 0.5,
        "images": {"1": {"false_positives": 1, "misses": 0}},
    }
    run.emphasis.write_text(json.dumps(emphasis))
    assert Emphasis.load(run.emphasis).misses == 0
    for change in (
        {"threshold": float("inf")},
        {"run": 1},
        {"images": {"1": {"false_positives": 1e999, "misses": 0}}},
        {"images": {"1": {"false_positives": 1}}},
        {"images": {"one": {"false_positives": 1, "misses": 0}}},
        {"images": []},
        {"places": {"1": {"false_positives": [[0, 0, 1]], "misses": []}}},
        {"places": {"1": {"false_positives": [[0, 0, 1, "2"]], "misses": []}}},
        {"places": {"1": {"misses": []}}},
    ):
        run.emphasis.write_text(json.dumps({**emphasis, **change}))
        with pytest.raises(ConfigError):
            Emphasis.load(run.emphasis)
    for plan in ([1], [[1e999]], [["1"]], {"1": [2]}, [[1, None]], 5):
        (run.path / "folds.json").write_text(json.dumps({"held_out": plan}))
        with pytest.raises(ReticleError, match=r"folds\.json"):
            read_plan(run)


def test_a_run_is_described_whatever_its_files_hold(run: RunFolder) -> None:
    run.info.write_text(
        '{"model": [], "created": 1e999, "learns_from": {"a": 1}, "pruned_from": 1, "kept": "half"}'
    )
    run.pid.write_text('{"pid": 1e999, "created": true}')
    info = read_run(run)
    assert (info.model, info.learns_from, info.pruned_from, info.kept) == ("reticle-s", "", "", 1.0)
    assert info.created == run.path.stat().st_mtime
    for pid in (2**70, 2**40, -1, "1", True):
        run.pid.write_text(json.dumps({"pid": pid, "created": 0.0}))
        assert not is_running(run)


def test_a_setting_of_another_kind_than_is_asked_for_counts_as_none(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        project.set_setting("last", [1])
        assert project.get_setting("last") == [1]
        assert project.get_setting("last", 0) == 0
        with project.database.write() as connection:
            connection.execute("UPDATE setting SET value = ?", (DEEP,))
        assert project.get_setting("last", 0) == 0
        assert project.get_setting("last") is None


def test_the_archive_that_holds_no_arrays_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ReticleError, match="damaged"):
        read_columns(path, {"scores": "f"})
    npz(path, array(header("(3,)")), method=zipfile.ZIP_BZIP2)
    with pytest.raises(ReticleError, match="damaged"):
        read_columns(path, {"scores": "f"})
    npz(path, array(header("(3,)")), name="other.npy")
    with pytest.raises(ReticleError, match="lacks a part"):
        read_columns(path, {"scores": "f"})


def cut(run: RunFolder) -> None:
    data = run.detections.read_bytes()
    run.detections.write_bytes(data[: len(data) // 2])


def test_damaged_detections_are_replaced_by_new_ones(run: RunFolder) -> None:
    save_detections(run, FOUND)
    cut(run)
    assert detections_fault(run) is not None
    merge_detections(run, FOUND.take(np.array([0])), image_ids=[1, 3])
    assert detections_fault(run) is None
    assert load_detections(run).scores.tolist() == [0.5]
    assert predicted_images(run) == {1, 3}


def test_who_reads_damaged_detections_says_which_command_makes_them_anew(tmp_path: Path) -> None:
    for name, mends in (("001-reticle-s", "predict"), ("002-crossval", "crossval")):
        run = RunFolder(tmp_path / "p.reticle" / "runs" / name)
        run.path.mkdir(parents=True)
        if mends == "crossval":
            run.plan.write_text("{}")
        save_detections(run, FOUND)
        cut(run)
        for read in (load_detections, predicted_images):
            with pytest.raises(ReticleError, match="damaged") as caught:
                read(run)
            assert caught.value.path == str(run.detections)
            assert f"`{mends} {tmp_path / 'p.reticle'}" in str(caught.value)
            assert name in (caught.value.hint or "")
