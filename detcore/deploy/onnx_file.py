"""ONNX files, with and without NMS inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import onnx
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
import torch
from onnx import compose, parser
from torch.export import ExportedProgram

from detcore.deploy.running import Floats, Run
from detcore.zoo.base import Selection

OPSET = 18
"""Of 2022: the oldest that torch writes without converting, so that runtimes of some years' age read it."""


def onnx_model(program: ExportedProgram) -> onnx.ModelProto:
    """The recorded graph: ``images`` to ``boxes`` and ``scores``."""
    export: Any = torch.onnx.export  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    exported = export(
        program,
        dynamo=True,
        verbose=False,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["boxes", "scores"],
    )
    return _told_plainly(cast("onnx.ModelProto", exported.model_proto))


def _told_plainly(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the places in source code that torch notes at every node, and with a batch that says what it is."""
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del part.metadata_props[:]
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def write_onnx(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model, full_check=True)  # pyright: ignore[reportUnknownMemberType]
    path.write_bytes(model.SerializeToString())


def run_onnx(path: Path) -> Run:
    """The file, read again and run by ONNX Runtime on the processor."""
    session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(images: Floats) -> tuple[Floats, ...]:
        return tuple(cast("list[Floats]", session.run(None, {"images": images})))

    return run


def with_nms(model: onnx.ModelProto, selection: Selection, *, side: int) -> onnx.ModelProto:
    """The same model, giving ``detections`` (B, M, 6) instead: x1, y1, x2, y2, score, class, best first; rows that
    are not filled have the class -1 and zeros else. The rule is that of ``zoo.parts.post.select.select``, with one of the
    ``GRAPH_SUPPRESSIONS``."""
    shape = model.graph.output[1].type.tensor_type.shape
    places, classes = shape.dim[1].dim_value, shape.dim[2].dim_value
    chosen = _selecting(selection, side=side, places=places, classes=classes, ir_version=model.ir_version)
    links = [("boxes", "boxes"), ("scores", "scores")]
    return compose.merge_models(
        model, compose.add_prefix(chosen, "nms_", rename_inputs=False, rename_outputs=False), links
    )


def _selecting(
    selection: Selection, *, side: int, places: int, classes: int, ir_version: int
) -> onnx.ModelProto:
    """The graph from boxes and scores to detections.

    A candidate is a place with one class; NonMaxSuppression sees its score at that class alone, so that it works
    class by class without moving boxes apart, which costs precision. Over all classes it sees one.
    """
    candidates = min(selection.max_candidates, places * classes)
    rows = min(selection.max_detections, candidates)
    floor, iou = float(selection.score_floor), float(selection.nms_iou)
    groups = 1 if selection.suppression == "hard" else classes
    text = f"""
    <ir_version: {ir_version}, opset_import: ["" : {OPSET}]>
    selecting (float[batch, {places}, 4] boxes, float[batch, {places}, {classes}] scores)
        => (float[batch, {rows}, 6] detections)
    <int64[2] flat = {{0, -1}}, int64[1] last = {{2}}, int64[1] middle = {{1}},
     int64[1] candidates = {{{candidates}}}, int64[1] rows = {{{rows}}}, int64 most = {{{rows}}},
     int64 classes = {{{classes}}}, int64 groups = {{{groups}}}, int64[2] columns = {{0, 2}},
     float floor = {{{floor!r}}}, float iou = {{{iou!r}}}, float zero = {{0.0}}, float side = {{{float(side)!r}}},
     float[2] off_on = {{0.0, 1.0}}, float none = {{-1.0}}>
    {{
        all_scores = Reshape(scores, flat)
        top, numbers = TopK(all_scores, candidates)
        place = Div(numbers, classes)
        label = Mod(numbers, classes)
        clipped = Clip(boxes, zero, side)
        place_index = Unsqueeze(place, last)
        found = GatherND <batch_dims = 1> (clipped, place_index)
        low, high = Split <axis = 2, num_outputs = 2> (found)
        is_wide = Greater(high, low)
        wide = Cast <to = 1> (is_wide)
        has_area = ReduceMin <keepdims = 0> (wide, last)
        is_above = Greater(top, floor)
        above = Cast <to = 1> (is_above)
        counts = Mul(has_area, above)
        sure = Mul(top, counts)
        group = Mod(label, groups)
        of_group = OneHot <axis = 1> (group, groups, off_on)
        sure_row = Unsqueeze(sure, middle)
        group_scores = Mul(of_group, sure_row)
        kept = NonMaxSuppression(found, group_scores, most, iou, floor)
        kept_places = Gather <axis = 1> (kept, columns)
        kept_count = Shape <start = 0, end = 1> (kept)
        one_each = ConstantOfShape <value = float[1] {{1.0}}> (kept_count)
        blank = Mul(sure, zero)
        mask = ScatterND(blank, kept_places, one_each)
        kept_scores = Mul(sure, mask)
        best, best_numbers = TopK(kept_scores, rows)
        best_index = Unsqueeze(best_numbers, last)
        best_boxes = GatherND <batch_dims = 1> (found, best_index)
        best_labels = GatherElements <axis = 1> (label, best_numbers)
        is_filled = Greater(best, zero)
        filled = Cast <to = 1> (is_filled)
        filled_column = Unsqueeze(filled, last)
        shown_boxes = Mul(best_boxes, filled_column)
        label_numbers = Cast <to = 1> (best_labels)
        shown_labels = Where(is_filled, label_numbers, none)
        score_column = Unsqueeze(best, last)
        label_column = Unsqueeze(shown_labels, last)
        detections = Concat <axis = 2> (shown_boxes, score_column, label_column)
    }}
    """
    return parser.parse_model(text)
