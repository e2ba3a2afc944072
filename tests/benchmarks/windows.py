"""Windows of the program for benchmarks: opened, waited for, and their heartbeat taken."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEvent, QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from app.services.settings import Settings
from app.shell.application import make_window
from app.shell.main_window import MainWindow

BEAT_MS = 16
PATIENCE = 60.0


def open_window(app: QApplication, folder: Path) -> MainWindow:
    window = make_window(app, Settings(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)))
    window.show()
    app.processEvents()
    return window


def close_window(window: MainWindow) -> None:
    """Close it and be rid of it: one that is only closed gets the style of the next, which takes longer than to make that."""
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def beats(seconds: float, *, each: Callable[[int], object] = lambda _beat: None) -> list[float]:
    """Milliseconds between the ticks of a 60 Hz timer of the window, which calls ``each`` with their number."""
    gaps: list[float] = []
    clock = QElapsedTimer()
    timer = QTimer(interval=BEAT_MS)
    timer.setTimerType(timer.timerType().PreciseTimer)

    def tick() -> None:
        gaps.append(clock.nsecsElapsed() / 1e6)
        clock.restart()
        each(len(gaps))

    timer.timeout.connect(tick)
    clock.start()
    timer.start()
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    timer.stop()
    return gaps[1:]


def spin(app: QApplication, seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.002)


def rest(seconds: float) -> None:
    """Let the window live for a while, and sleep when it has nothing to do: the processor is for others."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def wait_for(app: QApplication, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        app.processEvents()
        if ready():
            return
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there")
        # an event loop sleeps when idle; a busy one would take the interpreter from the pool
        time.sleep(0.001)
