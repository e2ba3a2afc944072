"""From a trained run to a folder with a file that runs elsewhere, proven against torch, and its card."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from torch.export import ExportedProgram

from detcore.deploy.card import card_text, class_names, make_card
from detcore.deploy.checking import Difference, compare_answers, compare_detections, read_frames
from detcore.deploy.darknet_file import DARKNET, dense_of, write_darknet
from detcore.deploy.running import Floats, Run
from detcore.deploy.torch_file import record, run_module, run_torch, write_torch
from detcore.errors import Cancelled
from detcore.formats.common.staging import Staging, staged
from detcore.inference.predictor import best_checkpoint
from detcore.jobs.preparing.model_export import MODEL_FORMATS, ModelExport, check_model_export
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.zoo.base import DenseNet, Detector
from detcore.zoo.building import build_dense, build_detector
from detcore.zoo.catalogue import find_detector
from detcore.zoo.checkpoint import Checkpoint
from detcore.zoo.detectors.darknet import Darknet

CARD, CARD_TEXT = "model-card.json", "model-card.md"
ExportProgress = Callable[[int, int, str], bool]
"""Told (done, total, what is being done); false ends the export."""
_STEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedModel:
    """``files`` lie in ``folder``; ``difference`` is the largest one from torch, over so many ``images``."""

    folder: Path
    files: tuple[str, ...]
    difference: Difference
    images: int


def export_model(
    run: RunFolder, snapshot: Snapshot, export: ModelExport, *, progress: ExportProgress
) -> ExportedModel:
    """Write the run's best weights as a file, check it on images of the ``snapshot``, and put its card beside it:
    all of it or nothing.

    Raises:
        ConfigError: as ``check_model_export``; the run has no weights, or no image can be read.
        FormatError: the folder holds something else than an earlier export, or cannot be written to.
        ReticleError: the file does not give what torch gives.
        Cancelled: ``progress`` returned false.
    """
    check_model_export(run, export)
    begin = _steps(progress)
    begin("Reading the weights")
    checkpoint = best_checkpoint(run)
    spec = find_detector(checkpoint.model).fitted_to(checkpoint.options)
    kind, detector = MODEL_FORMATS[export.format], _detector(checkpoint)
    names = class_names(checkpoint.class_ids, snapshot.classes, Snapshot.load(run.snapshot).classes)
    if kind.id == DARKNET:
        network = cast("Darknet", detector)  # the format is for no other
        dense, write = dense_of(network), partial(_write_darknet, network, names)
    else:
        dense = build_dense(checkpoint.model, detector, image_size=checkpoint.image_size)
        write = partial(_write, dense)
    with staged(export.out, (), export.out.parent) as staging:
        begin("Reading images to check with")
        frames = read_frames(snapshot, side=dense.side, rule=spec.input)
        difference = write(frames, staging, export, begin)
        begin("Writing the card")
        check = {"images": len(frames), "box_px": difference.box, "score": difference.score}
        card = make_card(run, checkpoint, dense, spec, kind, names=names, nms=export.nms, check=check)
        staging.write_text(CARD, json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        staging.write_text(CARD_TEXT, card_text(card))
        files = tuple(staging.files)
        staging.write_marker(f"model-{kind.id}", {})
    return ExportedModel(folder=export.out, files=files, difference=difference, images=len(frames))


def _steps(progress: ExportProgress) -> Callable[[str], None]:
    """Tells of each step as it begins, and ends the export where it is not to go on."""
    begun = 0

    def begin(text: str) -> None:
        nonlocal begun
        if not progress(begun, _STEPS, text):
            raise Cancelled("stopped; nothing was written")
        begun += 1

    return begin


def _detector(checkpoint: Checkpoint) -> Detector:
    """With the weights that are judged and used."""
    detector = build_detector(
        checkpoint.model,
        num_classes=len(checkpoint.class_ids),
        image_size=checkpoint.image_size,
        options=checkpoint.options,
    )
    detector.load_state_dict(checkpoint.kept())
    return detector.eval()


def _write_darknet(
    network: Darknet,
    names: Sequence[str],
    frames: Floats,
    staging: Staging,
    export: ModelExport,
    begin: Callable[[str], None],
) -> Difference:
    """Write the files of a network of darknet, with the names of its classes, and check them."""
    begin("Writing the file")
    paths = [staging.path(name) for name in MODEL_FORMATS[export.format].files]
    return write_darknet(network, paths, names, frames)


def _write(
    dense: DenseNet, frames: Floats, staging: Staging, export: ModelExport, begin: Callable[[str], None]
) -> Difference:
    """Write the file and check it; one with NMS inside also as it is without."""
    path, *_ = [staging.path(name) for name in MODEL_FORMATS[export.format].files]
    reference = run_module(dense.net)
    begin("Recording the network")
    program = record(dense)
    begin("Writing the file")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        write = _writer(export.format, program, dense, Path(scratch))
        plain = write(Path(scratch) / path.name if export.nms else path, nms=False)
        begin("Checking it against torch")
        difference = compare_answers(plain, reference, frames, ordered=dense.ordered)
        difference.check()
        if export.nms:
            rule = dense.selection
            found = compare_detections(
                write(path, nms=True), reference, frames, side=dense.side, selection=rule
            )
            found.check()
            difference = difference.largest(found)
    return difference


class _Write(Protocol):
    def __call__(self, path: Path, *, nms: bool) -> Run:
        """Write the file there; returns what runs it."""
        ...


def _writer(format_id: str, program: ExportedProgram, dense: DenseNet, scratch: Path) -> _Write:
    """That of a format; what it needs is loaded here, since it comes with extras."""
    if format_id == "torch":

        def write_program(path: Path, *, nms: bool) -> Run:
            write_torch(program, path)
            return run_torch(path)

        return write_program

    from detcore.deploy.onnx_file import onnx_model, run_onnx, with_nms, write_onnx

    model = onnx_model(program)

    def write_model(path: Path, *, nms: bool) -> Run:
        chosen = with_nms(model, dense.selection, side=dense.side) if nms else model
        write_onnx(chosen, path)
        return run_onnx(path)

    if format_id == "onnx":
        return write_model

    from detcore.deploy.openvino_file import run_openvino, write_openvino

    def write_converted(path: Path, *, nms: bool) -> Run:
        write_model(scratch / "model.onnx", nms=nms)
        write_openvino(scratch / "model.onnx", path)
        return run_openvino(path)

    return write_converted
