"""Following a worker on the terminal."""

from __future__ import annotations

from collections.abc import Callable

from tqdm import tqdm

from detcore.cli.console import complain, say
from detcore.jobs.crossval import CrossValidationJob
from detcore.jobs.events import Event, Live, Log, Progress, Started, Step, Validation
from detcore.jobs.outcomes import judgement
from detcore.jobs.owner import Outcome, TrainingJob, WorkerJob
from detcore.wording import counted

Job = TrainingJob | WorkerJob | CrossValidationJob
BAR = "{l_bar}{bar}| {elapsed}{postfix}"


class EventPrinter:
    """A progress bar with the latest loss and AP; what matters is said above it, on any terminal."""

    def __init__(self) -> None:
        self._bar = tqdm(total=1.0, bar_format=BAR, disable=None, leave=False)
        self._loss = self._ap = self._pace = ""

    def close(self) -> None:
        self._bar.close()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._say(
                f"{event.device_name}, {counted(event.images, 'image')}, {event.parameters / 1e6:.2f} M parameters"
            )
        elif isinstance(event, Step):
            self._loss = f"loss {sum(event.losses.values()):.3f}"
            self._pace = _pace_text(event)
            self._move(event.fraction)
        elif isinstance(event, Validation):
            self._ap = f"AP {event.metrics['AP']:.3f}"
            mark = "  best so far" if event.best and event.step else ""
            when = f"step {event.step}" if event.step else "before the first step"
            self._say(f"{when}: AP {event.metrics['AP']:.3f}, AP50 {event.metrics['AP50']:.3f}{mark}")
        elif isinstance(event, Progress):
            self._bar.set_description(event.text)
            self._pace = ""
            self._move(event.done / event.total if event.total else 0.0)
        elif isinstance(event, Live):
            judges = f", judged by {event.judged:,}" if event.judged else ""
            self._say(f"{event.doing}: {counted(event.learnt, 'image')}{judges}")
        elif isinstance(event, Log):
            self._say(f"{event.level}: {event.text}" if event.level != "info" else event.text)

    def _move(self, fraction: float) -> None:
        self._bar.n = fraction
        self._bar.set_postfix_str(", ".join(text for text in (self._loss, self._ap, self._pace) if text))

    def _say(self, text: str) -> None:
        self._bar.clear()
        say(text)
        self._bar.refresh()


def _pace_text(step: Step) -> str:
    """How fast it goes, how long it will take, and what it holds."""
    parts = [f"{step.images_per_second:.0f} images/s"]
    parts += [] if step.remaining is None else [f"{tqdm.format_interval(step.remaining)} left"]
    parts += [] if step.held is None else [f"{step.held / 2**30:.1f} GiB"]
    return ", ".join(parts)


def ending_text(outcome: Outcome) -> str:
    """One line on how a training ended, with its figures."""
    result = {} if outcome.ended is None else outcome.ended.result
    parts = [counted(result["steps"], "step")] if "steps" in result else []
    parts += [text] if (text := judgement(result)) else []
    parts += [counted(result["detections"], "detection")] if "detections" in result else []
    return f"{outcome.text}{': ' if parts else ''}{', '.join(parts)}"


def watch_job(make: Callable[[Callable[[Event], None]], Job]) -> Outcome:
    """Start the job, show its events, wait for its end; Ctrl+C asks it to stop and keep."""
    printer = EventPrinter()
    job = make(printer)
    job.start()
    try:
        return _wait(job)
    except KeyboardInterrupt:
        complain("stopping …" if isinstance(job, WorkerJob) else "stopping, keeping what was learnt …")
        job.stop()
        return _wait(job)
    finally:
        printer.close()


def _wait(job: Job) -> Outcome:
    while True:
        outcome = job.wait(0.5)
        if outcome is not None:
            return outcome
