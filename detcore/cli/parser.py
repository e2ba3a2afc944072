"""The words of the command line. They are a contract: scripts of other people use them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from detcore.cli.format_options import add_format_options
from detcore.evaluation.evaluate import RULES
from detcore.exchange.conflicts import Settle
from detcore.exchange.detections import DETECTION_FORMATS, LookedAt, label_formats
from detcore.exchange.formats import AUTO
from detcore.exchange.presets import presets
from detcore.formats import all_formats
from detcore.formats.base import IMAGES_TEXT, Images
from detcore.jobs.preparing.model_export import MODEL_FORMATS
from detcore.jobs.settings.sections import GROUPS, SETTINGS
from detcore.options import Option
from detcore.project.splits import GroupBy
from detcore.review.filter import SortOrder
from detcore.types import SPLITS, Status
from detcore.weights.cache import FOLDER_VARIABLE
from detcore.zoo.catalogue import DEFAULT_MODEL, detectors

N = TypeVar("N", int, float)
_LENGTHS = ("epochs", "minutes")
_WITHOUT_FLAG = frozenset({*_LENGTHS, "hard_negatives", "oversample"})
"""Settings that are one choice of two, or come with ``--emphasise``."""
_METAVARS = {
    "minutes": "M",
    "device": "DEVICE",
    "image_size": "PIXELS",
    "weights": "NAME|FILE|none",
    "teacher": "RUN",
    "tiles": "auto|off|PIXELS",
}

DESCRIPTION = """\
Label images, train a detector, see where the two disagree, mend the labels, export a clean dataset.

Without a command the window opens:
  python main.py                     an empty window
  python main.py PROJECT.reticle     that project
  python main.py IMAGE_FOLDER        the project of that folder, made if there is none yet
"""

EPILOG = """\
examples:
  python main.py new cells.reticle --images photos/
  python main.py import cells.reticle --format voc BCCD/
  python main.py train cells.reticle --model reticle-s --minutes 4
  python main.py evaluate cells.reticle --run 001-reticle-s --split test
  python main.py crossval cells.reticle --folds 4 --minutes 4
  python main.py queue cells.reticle --run 001-reticle-s --json errors.json
  python main.py audit cells.reticle --run 002-crossval --json suspects.json
  python main.py export cells.reticle --format coco --out cells-coco/

exit status: 0 done, 1 something you can mend (one line says what), 2 wrong usage, 130 interrupted
"""


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python main.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_data_commands(commands)
    _add_model_commands(commands)
    _add_audit_commands(commands)
    _add_insight_commands(commands)
    _add_weights_command(commands)
    _add_demo_commands(commands)
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]


def _add(commands: Commands, name: str, text: str, *, project: bool = True) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    if project:
        command.add_argument("project", type=Path, metavar="P.reticle", help="the project folder")
    return command


def _add_data_commands(commands: Commands) -> None:
    new = _add(commands, "new", "make a project of a folder of images; the images stay where they are")
    new.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder with the images")

    formats = sorted(all_formats().items())
    read = _add(commands, "import", "read labels of another tool into a project, made if there is none yet")
    _add_source(read)
    read.add_argument("--missing", action="store_true", help="also take in images whose files are not there")
    read.add_argument(
        "--allow-outside", action="store_true", help="also take in images outside of the dataset's folder"
    )
    read.add_argument(
        "--scale",
        action="store_true",
        help="scale boxes that were drawn on images of another size to the files as they are",
    )
    read.add_argument(
        "--strict", action="store_true", help="import nothing when anything is odd, instead of the rest"
    )
    read.add_argument(
        "--same-content",
        action="store_true",
        help="an image that the project has, byte for byte, under another path is that image",
    )
    read.add_argument(
        "--conflicts",
        choices=[str(one) for one in Settle],
        default=str(Settle.BOTH),
        help="which box stays where dataset and project have different ones of an object (default both)",
    )
    read.add_argument(
        "--rename",
        action="append",
        default=[],
        nargs=2,
        metavar=("OLD", "NEW"),
        help="another name for a class of the dataset; two that get one name are joined; may be repeated",
    )
    read.add_argument(
        "--leave-out", action="append", default=[], metavar="CLASS", help="without the boxes of a class"
    )
    read.add_argument(
        "--dry-run", action="store_true", help="only say what there is, as `inspect`; nothing is written"
    )

    read.set_defaults(json=False)
    add_format_options(read, reading=True)

    look = _add(
        commands,
        "inspect",
        "say what a dataset holds, before anything is written: format, classes, splits, images, problems",
        project=False,
    )
    _add_source(look)
    look.add_argument("--project", type=Path, metavar="P.reticle", help="also which images it has already")
    add_format_options(look, reading=True)
    look.add_argument("--json", action="store_true", help="as JSON")

    write = _add(commands, "export", "write a dataset; says what the format cannot hold")
    aim = write.add_mutually_exclusive_group(required=True)
    aim.add_argument("--format", choices=[name for name, spec in formats if spec.writer])
    aim.add_argument(
        "--for", dest="preset", choices=list(presets()), help="for this tool: its format, options and images"
    )
    write.add_argument(
        "--out", type=Path, required=True, metavar="DIR|FILE.zip", help="an empty or new folder, or a zip"
    )
    write.add_argument("--split", action="append", choices=SPLITS, help="only this split; may be repeated")
    write.add_argument(
        "--class", dest="classes", action="append", metavar="NAME", help="only this class; may be repeated"
    )
    write.add_argument(
        "--drop-emptied",
        action="store_true",
        help="leave out verified images without a box of the chosen classes (else they are written as empty)",
    )
    write.add_argument(
        "--status",
        action="append",
        choices=[str(status) for status in Status],
        help="only images of this status; may be repeated",
    )
    write.add_argument(
        "--touched", action="store_true", help="only boxes that a person drew, changed or judged"
    )
    placing = write.add_mutually_exclusive_group()
    means = "; ".join(f"{kind}: {text[:1].lower()}{text[1:]}" for kind, text in IMAGES_TEXT.items())
    placing.add_argument("--images", choices=[str(kind) for kind in Images], help=means)
    placing.add_argument("--no-images", action="store_true", help="the same as --images reference")
    write.add_argument(
        "--no-proof", action="store_true", help="do not read the files again by the rules of their readers"
    )
    write.add_argument(
        "--allow-outside",
        action="store_true",
        help="also copy images outside of the project's folder of images",
    )
    write.add_argument("--include-unseen", action="store_true", help="also images that nobody has looked at")
    write.add_argument("--report", type=Path, metavar="FILE", help="also write the report as JSON")
    add_format_options(write)

    in_place = [name for name, spec in formats if spec.open is not None]
    link = _add(commands, "link", "make a project whose edits go into the label files of a folder, at once")
    link.add_argument("folder", type=Path, metavar="DIR", help="the folder of images and labels")
    link.add_argument("--format", choices=in_place, help="of the label files, if it is not recognised")
    sync = _add(
        commands, "sync", "show, take or refuse what other programs changed in the linked label files"
    )
    settle = sync.add_mutually_exclusive_group()
    settle.add_argument("--take", action="store_true", help="let the changes into the project, as one step")
    settle.add_argument(
        "--refuse", action="store_true", help="write the files as the project has them; theirs are kept aside"
    )
    sync.add_argument("--json", type=Path, metavar="FILE", help="also write the changes as JSON")

    diff = _add(commands, "diff", "say which boxes were added, removed, moved or relabelled since the import")
    diff.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="also list each with who changed it, as a patch for apply-diff",
    )

    play = _add(
        commands,
        "apply-diff",
        "play a diff on the files that were imported: only what changed, on a copy of the folder",
        project=False,
    )
    play.add_argument("patch", type=Path, metavar="PATCH", help="what `diff --json` wrote")
    play.add_argument("folder", type=Path, metavar="FOLDER", help="a dataset in VOC, YOLO or COCO")
    play.add_argument("--format", default=AUTO, choices=[AUTO, "voc", "yolo", "coco"])
    where = play.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="DIR", help="a new folder (default: FOLDER-cleaned)")
    where.add_argument("--in-place", action="store_true", help="change the files themselves")

    split = _add(commands, "split", "divide the images into train, val and test, and store it")
    split.add_argument(
        "--ratios", type=float, nargs=3, default=(0.7, 0.15, 0.15), metavar=("TRAIN", "VAL", "TEST")
    )
    split.add_argument("--seed", type=int, default=0)
    split.add_argument("--stratify", action="store_true", help="give each split its share of every class")
    split.add_argument(
        "--group-by",
        choices=[str(by) for by in GroupBy],
        default=str(GroupBy.NOTHING),
        help="what stays in one split: a folder, paths with the same part by --pattern, photos taken within --gap "
        "seconds of each other, near-duplicates",
    )
    split.add_argument("--pattern", default="", metavar="REGEX", help=r"such as ^(patient\d+)_")
    split.add_argument("--gap", type=float, default=60.0, metavar="SECONDS")
    again = split.add_mutually_exclusive_group()
    again.add_argument("--fill", action="store_true", help="divide only the images that have no split yet")
    again.add_argument("--replace", action="store_true", help="divide all images, whatever split they have")

    sizes = _add(commands, "sizes", "list images of another size now than when they were labelled")
    mend = sizes.add_mutually_exclusive_group()
    mend.add_argument("--scale", action="store_true", help="scale their boxes to the new size")
    mend.add_argument(
        "--keep", action="store_true", help="keep their boxes where they are, cut at the border"
    )

    locate = _add(commands, "locate", "find the images again after their folder was moved or renamed")
    locate.add_argument("folder", type=Path, metavar="DIR", help="where they are now, or a folder above")

    rescue = _add(commands, "rescue", "save what can be saved of a project whose database is damaged")
    way = rescue.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--out", type=Path, metavar="Q.reticle", help="make a new project of all that can still be read"
    )
    way.add_argument(
        "--copy",
        nargs="?",
        const="",
        metavar="DAY",
        help="go back to the daily copy of a day such as 2026-11-29, or to the newest; the damaged file is kept",
    )

    part = _add(commands, "subset", "make a project of a part of the images; they stay where they are")
    part.add_argument("--out", type=Path, required=True, metavar="NEW.reticle")
    part.add_argument("--split", action="append", choices=SPLITS, help="images of it; may be repeated")
    part.add_argument(
        "--status",
        action="append",
        choices=[str(one) for one in Status],
        help="images of it; may be repeated",
    )
    part.add_argument(
        "--class",
        action="append",
        dest="classes",
        metavar="NAME",
        help="images with a box of it; may be repeated",
    )
    part.add_argument("--only-classes", action="store_true", help="leave out the boxes of all other classes")

    info = _add(commands, "info", "count images, boxes per class, splits, statuses and runs")
    info.add_argument("--json", action="store_true", help="as JSON")


def _add_source(command: argparse.ArgumentParser) -> None:
    readable = sorted(name for name, spec in all_formats().items() if spec.reader)
    command.add_argument(
        "--format",
        choices=[AUTO, *readable],
        default=AUTO,
        help=f"by default ({AUTO}) that which the files look like",
    )
    command.add_argument(
        "source", type=Path, metavar="SRC", help="folder of the dataset, or the file of its labels"
    )
    command.add_argument(
        "--images", type=Path, metavar="DIR", help="where the images are, if not beside the labels"
    )


def _confidence(word: str) -> float:
    return _number(float, word, lambda value: 0 <= value <= 1, "a number from 0 to 1")


def _share(word: str) -> float:
    return _number(float, word, lambda value: 0 < value <= 1, "a number above 0, of at most 1")


def _positive(word: str) -> int:
    return _number(int, word, lambda value: value > 0, "a whole number above 0")


def _number(read: Callable[[str], N], word: str, fits: Callable[[N], bool], what: str) -> N:
    try:
        value = read(word)
        if fits(value):
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{word} is not {what}")


def _add_split(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--split",
        choices=(*SPLITS, "all"),
        help="which labelled images (default: those not trained on; of a cross-validation that is all)",
    )


def _name_and_value(word: str) -> tuple[str, str]:
    name, is_there, value = word.partition("=")
    if not is_there:
        raise argparse.ArgumentTypeError(f"{word} is not NAME=VALUE")
    return name, value


def _models_text() -> str:
    """What can be given as a detector."""
    return f"{', '.join(sorted(detectors()))}; with options as compose:neck=pan,head=fcos; or a FILE.cfg of darknet"


def _options_text() -> str:
    """Which options the detectors have."""
    told = {spec.id: ", ".join(item.name for item in spec.option_list()) for spec in detectors().values()}
    return "; ".join(f"{model}: {names}" for model, names in told.items() if names)


def _add_setting(add_argument: Callable[..., Any], item: Option) -> None:
    """A setting of a training as a flag. It has no default there: in runs that go on there is another."""
    flag, told = f"--{item.name.replace('_', '-')}", item.help or item.label
    text = (told[:1].lower() + told[1:]).replace("%", "%%")
    if item.kind is bool:
        add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    elif item.choices:
        add_argument(flag, choices=list(item.choices), help=text)
    else:
        metavar = _METAVARS.get(item.name) or (
            "TEXT" if item.kind is str else "N" if item.kind is int else "X"
        )
        add_argument(flag, type=item.kind, metavar=metavar, help=text)


def _add_training_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model", metavar="NAME", help=f"which detector (default {DEFAULT_MODEL}): {_models_text()}"
    )
    command.add_argument(
        "--option",
        action="append",
        type=_name_and_value,
        metavar="NAME=VALUE",
        help="an option of the detector; may be repeated. " + _options_text(),
    )
    length = command.add_mutually_exclusive_group()
    for name in _LENGTHS:
        _add_setting(length.add_argument, SETTINGS[name])
    for title, items in GROUPS.items():
        having = [item for item in items if item.name not in _WITHOUT_FLAG]
        group = command.add_argument_group(title.lower()) if having else command
        for item in having:
            _add_setting(group.add_argument, item)


def _add_model_commands(commands: Commands) -> None:
    train = _add(commands, "train", "train a detector; Ctrl+C stops and keeps what was learnt")
    _add_training_options(train)
    beginning = train.add_mutually_exclusive_group()
    beginning.add_argument(
        "--emphasise",
        metavar="RUN",
        help="draw images more often in which this run took background for objects, or missed some",
    )
    beginning.add_argument("--resume", metavar="RUN", help="go on with a run of the project")

    learn = _add(
        commands, "learn", "learn from images as they are verified in the window or by others, until Ctrl+C"
    )
    _add_setting(learn.add_argument, SETTINGS["device"])

    prune = _add(
        commands, "prune", "take channels out of a run's detector, and train what is left as a new run"
    )
    prune.add_argument("--run", required=True, help="of reticle-n, reticle-s or reticle-m")
    prune.add_argument(
        "--keep",
        type=_share,
        default=0.6,
        metavar="SHARE",
        help="of the channels of hidden layers, those with the largest scales stay (default 0.6)",
    )
    length = prune.add_mutually_exclusive_group()
    for name in _LENGTHS:
        _add_setting(length.add_argument, SETTINGS[name])
    for name in ("teacher", "device"):
        _add_setting(prune.add_argument, SETTINGS[name])

    preview = _add(commands, "preview-training", "write a picture of images as a training would see them")
    _add_training_options(preview)
    preview.add_argument("--count", type=_positive, default=16, metavar="N", help="images (default 16)")
    preview.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="PNG or JPEG")

    predict = _add(commands, "predict", "let a run detect objects; Review then shows them")
    predict.add_argument("--run", required=True)
    predict.add_argument("--split", choices=(*SPLITS, "all"), default="all")
    predict.add_argument(
        "--device", metavar="DEVICE", help="as of `train`; several share the images (default: as trained)"
    )

    diagnose = _add(
        commands, "diagnose", "say in plain words why a run does not learn, and what costs it most"
    )
    diagnose.add_argument("--run", required=True)
    diagnose.add_argument("--layers", action="store_true", help="also what goes on in each layer")
    diagnose.add_argument("--json", type=Path, metavar="FILE", help="write what is found as JSON")

    curves = _add(commands, "curves", "write the losses and figures of a run as a picture or a table")
    curves.add_argument("--run", required=True)
    curves.add_argument("--png", type=Path, metavar="FILE", help="losses and AP over steps")
    curves.add_argument("--csv", type=Path, metavar="FILE", help="a row a step, AP by class as well")
    curves.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="a file for TensorBoard, in this folder; needs pip install 'reticle[tensorboard]'",
    )

    deploy = _add(commands, "export-model", "write a run's detector as a file that runs without Reticle")
    deploy.add_argument("--run", required=True)
    deploy.add_argument("--format", required=True, choices=list(MODEL_FORMATS))
    deploy.add_argument(
        "--nms", action="store_true", help="with NMS inside: it gives detections instead of all answers"
    )
    deploy.add_argument(
        "--out", type=Path, metavar="DIR", help="an empty or new folder (default: one beside the project)"
    )

    listed = _add(
        commands, "models", "list the detectors: size, licence, weights, what each lacks here", project=False
    )
    listed.add_argument("--json", action="store_true", help="as JSON")

    about = _add(commands, "model-info", "count a detector's parameters and multiply-adds", project=False)
    about.add_argument("model", metavar="NAME", help=_models_text())
    about.add_argument(
        "--classes", type=_positive, metavar="K", help="how many (default 3, of a .cfg those that it has)"
    )
    about.add_argument("--image-size", type=_positive, metavar="PIXELS", help="side of the image")
    about.add_argument(
        "--option", action="append", type=_name_and_value, metavar="NAME=VALUE", help="as of `train`"
    )
    about.add_argument("--json", action="store_true", help="as JSON")
    about.add_argument(
        "--drawing", type=Path, metavar="FILE.svg", help="write a drawing of its parts instead of counting"
    )

    sizes = _add(commands, "anchors", "find anchors for the boxes of the training images by k-means")
    sizes.add_argument("--clusters", type=_positive, default=9, metavar="N", help="how many (default 9)")
    sizes.add_argument(
        "--image-size", type=_positive, metavar="PIXELS", help="longer side of the images, as of `train`"
    )
    sizes.add_argument("--json", action="store_true", help="as JSON")

    counted = _add(
        commands, "cfg-classes", "make a .cfg of darknet for another number of classes", project=False
    )
    counted.add_argument("cfg", type=Path, metavar="FILE.cfg", help="it is not changed itself")
    counted.add_argument("--classes", type=_positive, required=True, metavar="K")
    counted.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write it; without, it is said alone"
    )

    evaluate = _add(commands, "evaluate", "score a run on a split, or any COCO files", project=False)
    evaluate.add_argument("project", type=Path, nargs="?", metavar="P.reticle", help="the project folder")
    evaluate.add_argument("--run", help="a run of the project")
    evaluate.add_argument(
        "--split",
        choices=(*SPLITS, "all"),
        help="which labelled images (default test; of a cross-validation all that it has looked at)",
    )
    evaluate.add_argument(
        "--gt", type=Path, metavar="GT.json", help="COCO ground truth, instead of a project"
    )
    evaluate.add_argument("--dt", type=Path, metavar="DT.json", help="COCO detections")
    evaluate.add_argument("--rules", choices=RULES, default="coco")
    evaluate.add_argument(
        "--pycocotools-quirks",
        action="store_true",
        help="with --gt and --dt: repeat its faults with annotations of id 0 and with `ignore` keys",
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    evaluate.add_argument(
        "--errors",
        type=Path,
        metavar="FILE",
        help="TIDE's error types and what each costs, as JSON",
    )


def _add_audit_commands(commands: Commands) -> None:
    queue = _add(commands, "queue", "list the errors of a run as Review does, in its order")
    queue.add_argument("--run", required=True)
    _add_split(queue)
    queue.add_argument(
        "--order", choices=[order.word for order in SortOrder], default="worst", help="default worst"
    )
    queue.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="confidence from which detections count (default: best F1)",
    )
    queue.add_argument("--iou", type=float, default=0.5, metavar="T", help="least overlap (default 0.5)")
    queue.add_argument("--json", type=Path, metavar="FILE", help="write the whole list as JSON")

    audit = _add(commands, "audit", "rank the labels that are probably wrong, and objects without label")
    audit.add_argument(
        "--run", required=True, help="a run that has not been trained on the images: best of `crossval`"
    )
    _add_split(audit)
    audit.add_argument("--json", type=Path, metavar="FILE", help="write the whole list as JSON")

    compare = _add(commands, "compare", "say what one run finds that another does not, and if it is chance")
    compare.add_argument("--run", action="append", required=True, help="give it twice: before, after")
    _add_split(compare)
    compare.add_argument(
        "--threshold", type=_confidence, metavar="T", help="confidence of both (default: each at its best F1)"
    )
    compare.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")

    _add_import_detections(commands)
    agree = _add(commands, "agree", "say how far the labels of another person agree with the project's")
    agree.add_argument("run", metavar="RUN", help="labels that came by import-detections")
    _add_split(agree)
    agree.add_argument("--iou", type=float, default=0.5, metavar="T", help="least overlap (default 0.5)")
    agree.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")

    crossval = _add(
        commands, "crossval", "detect on every labelled image with models not trained on it; for `audit`"
    )
    crossval.add_argument("--folds", type=int, metavar="K", help="how many trainings (default 5)")
    _add_training_options(crossval)
    crossval.add_argument("--resume", metavar="RUN", help="go on with a cross-validation of the project")


def _add_import_detections(commands: Commands) -> None:
    found = _add(
        commands,
        "import-detections",
        "make a run of what another program has found, or another person labelled",
    )
    found.add_argument("--name", required=True, help="what the run is called, behind its number")
    found.add_argument(
        "--dt",
        type=Path,
        required=True,
        metavar="FILE|FOLDER",
        help="the detections, or the labels of a person",
    )
    found.add_argument(
        "--format",
        default=AUTO,
        choices=[AUTO, *DETECTION_FORMATS, *label_formats()],
        help="default: told by what it holds. Those of datasets are for labels of a person, which count with a score of 1",
    )
    found.add_argument(
        "--gt",
        type=Path,
        metavar="GT.json",
        help="the COCO file that the ids of COCO results are of (default: those that were imported)",
    )
    found.add_argument(
        "--looked-at",
        choices=list(LookedAt),
        help="which images were looked at, also where nothing was found: those of the splits in which something was (default), "
        "those that are listed (default for labels and with --gt), or all",
    )
    found.add_argument(
        "--add-classes",
        action="store_true",
        help="add classes that the project does not have; else their detections are left out",
    )


def _add_insight_commands(commands: Commands) -> None:
    order = _add(commands, "next", "list the unlabelled images that teach most, in the order to label them")
    order.add_argument(
        "--run",
        action="append",
        required=True,
        help="what it is unsure about; given twice: where two disagree",
    )
    order.add_argument("--count", type=_positive, default=20, metavar="N", help="how many (default 20)")
    order.add_argument("--json", type=Path, metavar="FILE", help="also write the list as JSON")

    twins = _add(commands, "duplicates", "list images that are nearly the same, and leaks between splits")
    twins.add_argument("--json", type=Path, metavar="FILE", help="write the whole list as JSON")

    report = _add(
        commands, "report", "write what a run does on some images as one HTML file or PDF, with pictures"
    )
    report.add_argument("--run", required=True)
    _add_split(report)
    report.add_argument(
        "--threshold",
        type=_confidence,
        metavar="T",
        help="confidence from which detections count (default: best F1)",
    )
    report.add_argument("--out", type=Path, required=True, metavar="FILE.html|FILE.pdf")


def _add_weights_command(commands: Commands) -> None:
    weights = _add(
        commands,
        "weights",
        "list published weights to start from, get them, or bring them by hand",
        project=False,
    )
    weights.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help=f"where they lie (default: {FOLDER_VARIABLE}, or the user's cache)",
    )
    actions = weights.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="names, sizes, licences, sources, and which are here")
    listed.add_argument("--json", action="store_true", help="as JSON")
    get = actions.add_parser("get", help="download some; one that broke off goes on")
    get.add_argument("names", nargs="+", metavar="NAME")
    add = actions.add_parser("add", help="take in what was brought by hand; files are known by their sum")
    add.add_argument("source", type=Path, metavar="FILE_OR_FOLDER")
    where = actions.add_parser("where", help="the folder in which they lie, or one of them")
    where.add_argument("name", nargs="?", metavar="NAME")


def _add_demo_commands(commands: Commands) -> None:
    sample = _add(
        commands, "sample", "make the sample project, with planted label errors to find", project=False
    )
    sample.add_argument("folder", type=Path, metavar="DIR", help="where to make it: best a new folder")
    sample.add_argument("--seed", type=int, default=0)

    demo = _add(
        commands,
        "demo",
        "walk through the whole loop on the sample, with pictures of every page",
        project=False,
    )
    demo.add_argument("--out", type=Path, required=True, metavar="DIR")
    demo.add_argument("--minutes", type=float, default=2.0, help="time to train (default 2)")

    worker = _add(
        commands, "worker", "run a job for the window (started by the program itself)", project=False
    )
    worker.add_argument("arguments", nargs=argparse.REMAINDER)
