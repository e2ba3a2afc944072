"""Stands in for the worker that describes detectors: answers each line of JSON on stdin.

A network of 512 channels takes for ever; one of 16 cannot be built.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

from detcore.jobs.events import Described, encode
from detcore.zoo.outline import Outline, Stage

SPEED = 41.25


def outline(model: str, width: int, classes: int) -> Outline:
    def stage(role: str, channels: int, side: int) -> Stage:
        return Stage(
            role=role,
            channels=channels,
            rows=side,
            columns=side,
            layers={"Conv2d": 3, "BatchNorm2d": 2},
            parameters=1234,
            macs=5_000_000,
        )

    stages = (stage("Backbone", 32, 40), stage("Neck", width, 40), stage("Heads", 4 + classes, 40))
    return Outline(
        model=model,
        classes=classes,
        height=320,
        width=320,
        parameters=3702,
        macs=15_000_000,
        values=1_000_000,
        stages=stages,
        links=((0, 1), (1, 2)),
        text="A network that is\nmade up.\n\nOf `three` stages.",
        files={"tests.app.train.describing_worker": __file__},
    )


def main() -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            break
        asked = json.loads(line)
        width = asked["options"].get("width", 64)
        if width == 512:
            time.sleep(60)
        if width == 16:
            answer = Described(number=asked["number"], fault="There is no room for it. Make room.")
        elif asked["measure"]:
            answer = Described(number=asked["number"], result={"images_a_second": SPEED})
        else:
            made = asdict(outline(asked["model"], width, asked["classes"]))
            answer = Described(number=asked["number"], result=json.loads(json.dumps(made)))
        sys.stdout.write(encode(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
