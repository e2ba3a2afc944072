"""The window: start, opening 100,000 images, the next image, and its heartbeat while a detector trains.

Peers were measured with their own windows on two cores of the same kind: labelImg 1.8.6, labelme 6.3.1.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.shell.application import make_application
from detcore.sample import create_sample_project
from tests.benchmarks.figures import Figure
from tests.benchmarks.make_images import make_images
from tests.benchmarks.windows import beats, open_window, spin, wait_for

IMAGES = 100_000
TRAINING_SECONDS = 25.0
START = """
import time, os
begin = time.perf_counter()
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from app.shell.application import make_application, make_window
from app.services.settings import Settings
app = make_application()
window = make_window(app, Settings())
window.show()
app.processEvents()
print(time.perf_counter() - begin)
os._exit(0)
"""


def main() -> list[Figure]:
    """Measure with real windows, drawn in memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        app = make_application()
        figures = [_start()]
        figures.append(_open_many(app, folder))
        figures.append(_next_image(app, folder))
        figures += _heartbeat(app, folder)
    return figures


def _start() -> Figure:
    """Interpreter to painted window, the best of three processes; importing Qt is part of it."""

    def once() -> float:
        done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
        return float(done.stdout)

    return Figure(name="start to usable window", value=min(once() for _ in range(3)), unit="s", aim=1.0)


def _open_many(app: QApplication, folder: Path) -> Figure:
    images = folder / "many"
    make_images(images, IMAGES)
    window = open_window(app, folder)
    begin = time.perf_counter()
    window.project_actions.open_path(images)
    wait_for(app, lambda: window.label_page.viewer.is_showing)
    taken = time.perf_counter() - begin
    window.close()
    return Figure(
        name=f"open a folder of {IMAGES:,} images to the first one shown",
        value=taken,
        unit="s",
        aim=0.5,
        peer=1.2,
        peer_name="labelImg",
    )


def _next_image(app: QApplication, folder: Path) -> Figure:
    """From the key to the painted image, at two images a second, so that the neighbour was fetched ahead."""
    images = folder / "large"
    make_images(images, 12, width=4000, height=3000, unique=4)
    window = open_window(app, folder)
    window.project_actions.open_path(images)
    wait_for(app, lambda: window.label_page.viewer.is_showing)
    taken: list[float] = []
    for _ in range(8):
        spin(app, 0.8)
        begin = time.perf_counter()
        window.context.actions["label.next_image"].trigger()
        wait_for(app, lambda: window.label_page.viewer.is_showing)
        window.label_page.canvas.viewport().repaint()
        taken.append((time.perf_counter() - begin) * 1e3)
    window.close()
    return Figure(
        name="next image, 12 megapixels, fetched ahead",
        value=statistics.median(taken),
        unit="ms",
        aim=16.0,
        peer=121.0,
        peer_name="labelImg",
    )


def _heartbeat(app: QApplication, folder: Path) -> list[Figure]:
    """Gaps between 60 Hz ticks of the window while the Train page draws the curves of a training child."""
    project = create_sample_project(folder / "sample", images=60)
    path = project.folder
    project.close()
    window = open_window(app, folder)
    window.project_actions.open_path(path)
    wait_for(app, lambda: window.label_page.viewer.is_showing)
    window.show_page("train")
    wait_for(app, lambda: window.context.actions["train.start"].isEnabled())
    window.context.actions["train.start"].trigger()
    steps: list[int] = []
    window.context.jobs.events.connect(lambda _run, events: steps.append(len(events)))
    wait_for(app, lambda: len(steps) > 3)
    gaps = beats(TRAINING_SECONDS)
    window.close()
    gaps.sort()
    name = "heartbeat at 60 Hz while training"
    return [
        Figure(name=f"{name}, median", value=gaps[len(gaps) // 2], unit="ms"),
        Figure(name=f"{name}, p99", value=gaps[int(len(gaps) * 0.99)], unit="ms", aim=20.0),
        Figure(name=f"{name}, longest", value=gaps[-1], unit="ms", aim=50.0),
    ]
