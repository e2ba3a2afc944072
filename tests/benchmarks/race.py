"""A race of trainers: the same images, the same time, the same rules.

python -m tests.benchmarks race --data DIR [--peer PYTHON] [--sets …] [--seconds …] [--seeds …] [--images …]
                                [--models reticle-s "reticle-s optimiser=adamw small_until=0" …] [--settings …]
                                [--weights none|FILE] [--out FILE.json]

``DIR`` holds the folders ``bccd``, ``playing_cards`` and ``raccoon``, and ``padilla_review`` for the set ``persons``;
the set ``sample`` is painted anew. Each set is divided once: its own test part, and of
the rest a tenth to judge by where the set names none. Every trainer gets the training part and the part to judge
by, 320 pixels, and the same seconds of training and judging by the clock; what it finds in the test part is scored by
COCO's rules. ``PYTHON`` is the interpreter of an environment that has the peer; it runs the peer's own ``train`` and
``predict``, at its defaults and tuned for small sets (a step for each batch, as many threads as cores). ``--images``
gives the learning curve instead: only so many images besides the test part, a tenth of them to judge by. After each
training all images of the set are predicted from their files with one thread and with two, eight at a time.

Of ours several variants can race: behind a detector stand settings by the names of the flags of ``train``. Those of
``--settings`` and ``--weights`` are for all of ours.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.race_sets import SETS, SMALL_SETS, make_set
from tests.benchmarks.race_trainers import Ours, Peer, Scored


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one trainer reached on one set: COCO's AP and AP50 of the test part, 0..1, the seconds its training took
    by the clock, and the images a second that it predicts then with one thread and with two."""

    set: str
    trainer: str
    seconds: float
    seed: int
    ap: float
    ap50: float
    wall: float
    pace: tuple[float, float]


def main(words: Sequence[str]) -> int:
    """Run it and print a table; ``--out`` is written after every training, so that a long race can be followed."""
    options = _parser().parse_args(words)
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, count in itertools.product(options.sets, options.images):
            folder = Path(scratch) / f"{name}-{count}"
            project = make_set(name, options.data, folder, images_kept=count)
            label = name if count is None else f"{name}, {count} images"
            for seconds, (trainer, seed) in itertools.product(options.seconds, _field(options)):
                place = folder / f"peer-{len(results)}"
                scored = trainer.run(project, place, seconds=seconds, seed=seed)
                results.append(_result(label, str(trainer), seconds, seed, scored))
                sys.stderr.write(f"{results[-1]}\n")
                if options.out:
                    record = [asdict(one) for one in results]
                    options.out.write_text(json.dumps(record, indent=1), encoding="utf-8")
    sys.stdout.write(table(results) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks race",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=[*sorted(SETS), *SMALL_SETS], default=sorted(SETS))
    parser.add_argument("--seconds", nargs="+", type=float, default=[240.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--models", nargs="*", default=["reticle-s"], help="detectors of ours, with settings")
    parser.add_argument("--settings", default="", help="of all of ours, such as small_until=0,ema=false")
    parser.add_argument(
        "--weights", help="what all of ours start from: none, or a file; else what their cards name"
    )
    parser.add_argument("--peer", type=Path, help="the interpreter of an environment with the peer")
    parser.add_argument("--peer-models", nargs="*", default=["yolo11n", "yolo26n"])
    kinds = ["default", "tuned"]
    parser.add_argument("--peer-kinds", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--peer-seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--images", nargs="+", type=int, default=[None], help="so many besides the test part")
    parser.add_argument("--out", type=Path)
    return parser


def _field(options: argparse.Namespace) -> list[tuple[Ours | Peer, int]]:
    """Who races on a set, with which seeds: ours first."""
    common = [options.settings] if options.settings else []
    if options.weights:
        common.append(f"weights={options.weights}")
    ours = [Ours.read(text, " ".join(common)) for text in options.models]
    models = options.peer_models if options.peer else ()
    peers = [
        Peer(python=options.peer, model=model, tuned=kind == "tuned")
        for model in models
        for kind in options.peer_kinds
    ]
    return [*itertools.product(ours, options.seeds), *itertools.product(peers, options.peer_seeds)]


def _result(name: str, trainer: str, seconds: float, seed: int, scored: Scored) -> Result:
    return Result(
        set=name,
        trainer=trainer,
        seconds=seconds,
        seed=seed,
        ap=float(scored.figures["AP"]),
        ap50=float(scored.figures["AP50"]),
        wall=round(scored.wall, 1),
        pace=(round(scored.pace["1"], 1), round(scored.pace["2"], 1)),
    )


def table(results: Sequence[Result]) -> str:
    """Mean and range over the seeds, a row for each set, time and trainer."""
    lines = [
        "| set | seconds | trainer | AP | range | AP50 | by the clock | images a second, 1 and 2 threads |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = list(dict.fromkeys((one.set, one.seconds, one.trainer) for one in results))
    for name, seconds, trainer in keys:
        own = [
            result
            for result in results
            if (result.set, result.seconds, result.trainer) == (name, seconds, trainer)
        ]
        aps = [result.ap for result in own]
        ap50, wall = np.mean([result.ap50 for result in own]), np.mean([result.wall for result in own])
        one, two = np.median([result.pace for result in own], axis=0)
        lines.append(
            f"| {name} | {seconds:.0f} | {trainer} | {np.mean(aps):.3f} | {min(aps):.3f}–{max(aps):.3f} | {ap50:.3f} | {wall:.0f} s "
            f"| {one:.0f}, {two:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
