"""Letting a trained detector leave the program: which files there are, and what is checked before a worker writes one.

Free of torch: the window reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.program import check_can_train
from detcore.project.cross_validation import is_cross_validation
from detcore.project.imported_run import refuse_imported
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.project.snapshot import take_snapshot
from detcore.zoo.catalogue import not_deployable
from detcore.zoo.spec import GRAPH_SUPPRESSIONS, SUPPRESSIONS, DetectorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFormat:
    """A kind of file that runs without Reticle.

    ``files`` are their names, that which is opened first; ``packages`` are the modules that writing and checking them
    need, which the extra ``extra`` brings. ``nms``: NMS can be inside. ``only_for`` is the id of the detector that such a file
    can be of; "" for all that can leave the program.
    """

    id: str
    title: str
    files: tuple[str, ...]
    text: str
    packages: tuple[str, ...] = ()
    extra: str = "train"
    nms: bool = False
    only_for: str = ""


_ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
MODEL_FORMATS: Mapping[str, ModelFormat] = {
    item.id: item
    for item in (
        ModelFormat(
            id="onnx",
            title="ONNX",
            files=("model.onnx",),
            text="Runs with ONNX Runtime and most other runtimes, from any language.",
            packages=_ONNX_PACKAGES,
            extra="onnx",
            nms=True,
        ),
        ModelFormat(
            id="torch",
            title="PyTorch (torch.export)",
            files=("model.pt2",),
            text="A program of PyTorch's own, to be run or compiled where PyTorch is installed.",
        ),
        ModelFormat(
            id="openvino",
            title="OpenVINO",
            files=("model.xml", "model.bin"),
            text="Fast on Intel processors. Made of the ONNX file.",
            packages=(*_ONNX_PACKAGES, "openvino"),
            extra="openvino",
            nms=True,
        ),
        ModelFormat(
            id="darknet",
            title="Darknet (.weights)",
            files=("model.weights", "model.cfg", "model.names"),
            text="For darknet and all that reads its files, such as OpenCV. A network with its classes, to be trained on there "
            "as well.",
            only_for="darknet",
        ),
    )
}


def formats_of(spec: DetectorSpec) -> list[ModelFormat]:
    """The kinds of files that a detector can become."""
    return [kind for kind in MODEL_FORMATS.values() if kind.only_for in ("", spec.id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelExport:
    """What is to be written: the ``format``, with ``nms`` inside or not, into the folder ``out``."""

    format: str
    nms: bool
    out: Path


def usual_folder(project: Project, run: RunFolder, format_id: str) -> Path:
    """Where an export goes unless the user says otherwise: beside the project."""
    return project.folder.parent / f"{project.name}-{run.name}-{format_id}"


def prepare_model_export(project: Project, run: RunFolder, export: ModelExport) -> list[str]:
    """Check what would fail and freeze the images that the file is checked on, as the project has them now; returns
    the arguments of the worker.

    Raises:
        ConfigError: the run is a cross-validation or its detector cannot be exported, NMS cannot be inside such a
            file, or a package is missing; the hint says how to get it.
    """
    check_can_train()
    check_model_export(run, export)
    take_snapshot(project).save(run.predict_snapshot)
    nms = ["--nms"] if export.nms else []
    images = ["--snapshot", str(run.predict_snapshot)]
    return [
        "export",
        str(run.path),
        *images,
        "--format",
        export.format,
        "--out",
        str(export.out.resolve()),
        *nms,
    ]


def check_model_export(run: RunFolder, export: ModelExport) -> None:
    """As ``prepare_model_export``, and nothing is done."""
    if is_cross_validation(run):
        raise ConfigError(
            f"{run.name} is a cross-validation: each of its folds has weights of its own",
            path=run.path,
            hint="Give a run of train",
        )
    spec, kind = deployable(run), MODEL_FORMATS[export.format]
    if kind not in formats_of(spec):
        others = ", ".join(other.id for other in formats_of(spec))
        raise ConfigError(
            f"{spec.title} cannot be a file of {kind.title}: such files describe networks made of darknet's layers",
            hint=f"It can be {others}",
        )
    if export.nms and (fault := nms_fault(spec, kind)) is not None:
        raise fault
    if (missing := missing_for_format(kind)) is not None:
        raise missing


def nms_fault(spec: DetectorSpec, kind: ModelFormat) -> ConfigError | None:
    """What keeps NMS from being inside a file of a detector, which has there what it has in the program or nothing."""
    if spec.suppression not in GRAPH_SUPPRESSIONS:
        able = ", ".join(SUPPRESSIONS[other] for other in GRAPH_SUPPRESSIONS)
        return ConfigError(
            f"NMS cannot be inside: this detector's suppression ({SUPPRESSIONS[spec.suppression]}) has no operator in such files, "
            f"which know {able}",
            hint="Export without it; the model card says how boxes are chosen",
        )
    if not kind.nms:
        able = " and ".join(item.title for item in formats_of(spec) if item.nms)
        return ConfigError(f"NMS cannot be inside a file of {kind.title}", hint=f"It can in {able}")
    return None


def missing_for_format(kind: ModelFormat) -> ConfigError | None:
    """What keeps this installation from writing such files. Nothing is loaded to find out."""
    missing = [name for name in kind.packages if find_spec(name) is None]
    if not missing:
        return None
    return ConfigError(
        f"{kind.title} needs {', '.join(missing)}, not installed here",
        hint=f"Install it with: pip install 'reticle[{kind.extra}]'",
    )


def deployable(run: RunFolder) -> DetectorSpec:
    """The detector of a run.

    Raises:
        ConfigError: the run was imported, its settings cannot be read, or its detector is not installed or cannot be exported.
    """
    refuse_imported(run, "export")
    spec = TrainConfig.load(run.config).spec
    if not spec.deploy:
        raise not_deployable(spec)
    return spec
