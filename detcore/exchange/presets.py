"""Exports for a tool by its name: which format and options it wants, and how an export is loaded there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError
from detcore.formats import all_formats
from detcore.formats.base import ExportOptions, ExportReport, Images
from detcore.options import Value
from detcore.types import SPLITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One tool. ``text`` says in a line how an export is loaded there, and ``code`` writes the lines to paste for one
    that was made; ``shell`` are lines for a terminal instead of Python."""

    name: str  # the word for commands
    title: str
    format: str
    text: str
    code: Callable[[ExportReport], str]
    options: Mapping[str, Value] = field(default_factory=dict[str, Value])
    images: Images = Images.COPY
    shell: bool = False

    def own_options(self) -> Any:
        """The options of the format as the tool wants them."""
        return all_formats()[self.format].options(**self.options)

    def applied(self, options: ExportOptions) -> ExportOptions:
        """An export as chosen, and for the rest as the tool wants it."""
        return replace(options, own=self.own_options(), images=self.images)


def presets() -> dict[str, Preset]:
    """The tools by name, of whose formats there is a writer."""
    formats = all_formats()
    return {
        preset.name: preset
        for preset in _PRESETS
        if preset.format in formats and formats[preset.format].writer is not None
    }


def preset_named(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: there is none.
    """
    known = presets()
    if name not in known:
        raise ConfigError(f"there is no preset {name!r}", hint=f"Choose one of {', '.join(known)}")
    return known[name]


def _ultralytics(report: ExportReport) -> str:
    return f"""\
from ultralytics import YOLO

YOLO("yolo11n.pt").train(data={str(report.out / "data.yaml")!r})
"""


def _torchvision(report: ExportReport) -> str:
    lists = [split for split in ("train", "val") if report.images.get(split)] or ["train"]
    sets = "\n".join(
        f'{name} = VOCDetection({str(report.out)!r}, year="2012", image_set="{name}")' for name in lists
    )
    return f"""\
from torchvision.datasets import VOCDetection

{sets}
image, target = {lists[0]}[0]
print(target["annotation"].get("object", []))
"""


def _detectron2(report: ExportReport) -> str:
    lines = "\n".join(
        f'register_coco_instances("reticle_{split}", {{}}, {str(file)!r}, {str(folder)!r})'
        for split, file, folder in _coco_files(report)
    )
    return f"""\
from detectron2.data.datasets import register_coco_instances

{lines}
"""


def _mmdetection(report: ExportReport) -> str:
    blocks = [
        f"""\
{split}_dataloader = dict(dataset=dict(
    type="CocoDataset", metainfo=metainfo,
    ann_file={str(file)!r}, data_prefix=dict(img={str(folder)!r})))
"""
        for split, file, folder in _coco_files(report)
    ]
    names = tuple(dict.fromkeys(name for boxes in report.boxes.values() for name in boxes))
    return f"metainfo = dict(classes={names!r})\n" + "".join(blocks)


def _coco_files(report: ExportReport) -> Iterable[tuple[str, Path, Path]]:
    """The name that a loader goes by, the annotations and the images of each split."""
    splits = [split for split in (*SPLITS, "") if report.images.get(split)]
    for split in splits:
        place = split or "default"
        yield (
            split or "train",
            report.out / "annotations" / f"instances_{place}.json",
            report.out / "images" / place,
        )


def _labelimg(report: ExportReport) -> str:
    split = next((split for split in SPLITS if report.images.get(split)), "train")
    images, names = report.out / "images" / split, report.out / "classes.txt"
    return f'labelImg "{images}" "{names}"\n'


def _cvat(report: ExportReport) -> str:
    return f'cvat-cli task import-dataset TASK_ID "{report.out}" --format "CVAT 1.1"\n'


def _label_studio(report: ExportReport) -> str:
    return f"""\
export LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true
export LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT="{report.out}"
label-studio start
"""


_PRESETS = (
    Preset(
        name="ultralytics",
        title="Ultralytics",
        format="yolo",
        text="Train on data.yaml.",
        code=_ultralytics,
        options={"label_classes": False},
    ),
    Preset(
        name="torchvision",
        title="torchvision",
        format="voc",
        text="Open the folder with VOCDetection; all images are JPEG, as it demands.",
        code=_torchvision,
        options={"jpeg": True, "trainval": True, "coordinates": "int"},
    ),
    Preset(
        name="cvat",
        title="CVAT",
        format="cvat",
        text="In a task of these images: Actions → Upload annotations → CVAT 1.1, and choose the zip.",
        code=_cvat,
        images=Images.ZIP,
        shell=True,
    ),
    Preset(
        name="label-studio",
        title="Label Studio",
        format="label-studio",
        text="Start Label Studio as below, paste label_config.xml under Settings → Labeling Interface, add a local "
        "storage of the folder images, and import tasks.json.",
        code=_label_studio,
        shell=True,
    ),
    Preset(
        name="mmdetection",
        title="MMDetection",
        format="coco",
        text="Add these lines to a configuration of CocoDataset, and set num_classes of its head.",
        code=_mmdetection,
    ),
    Preset(
        name="detectron2",
        title="Detectron2",
        format="coco",
        text="Register the files before training, and name them in DATASETS.TRAIN and DATASETS.TEST.",
        code=_detectron2,
    ),
    Preset(
        name="labelimg",
        title="labelImg",
        format="yolo",
        text="Start it as below, then Change Save Dir (Ctrl+R) to the folder of labels of that split.",
        code=_labelimg,
        options={"label_classes": True},
        shell=True,
    ),
)
