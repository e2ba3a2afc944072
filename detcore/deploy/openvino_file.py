"""OpenVINO files, made of ONNX ones."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, cast

from detcore.deploy.running import Floats, Run


def write_openvino(onnx_file: Path, path: Path) -> None:
    """``path`` (.xml) and the weights beside it (.bin), in fp32."""
    openvino = _openvino()
    # The runtime reads ONNX by itself; convert_model would report each use to the makers of OpenVINO.
    model = openvino.Core().read_model(onnx_file)
    openvino.save_model(model, path, compress_to_fp16=False)


def run_openvino(path: Path) -> Run:
    """The files, read again and run on the processor, in fp32 also where it has bf16."""
    compiled = _openvino().Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(images: Floats) -> tuple[Floats, ...]:
        answers = compiled(images)
        return tuple(cast("Floats", answers[output]) for output in compiled.outputs)

    return run


def _openvino() -> Any:
    """The package, which has no types and is seldom installed."""
    return import_module("openvino")
