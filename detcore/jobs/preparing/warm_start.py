"""What a training goes on from where nobody has chosen: what an earlier run of the project has learnt of the same task."""

from __future__ import annotations

from detcore.errors import ReticleError
from detcore.jobs.config import TrainConfig
from detcore.jobs.lineage import images_learnt
from detcore.project import roles
from detcore.project.cross_validation import is_cross_validation
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunInfo, RunState, list_runs
from detcore.project.snapshot import Snapshot


def earlier_run(project: ProjectReader, config: TrainConfig, snapshot: Snapshot) -> RunInfo | None:
    """The newest run with weights of the same detector, with the same options and classes, that has learnt from none of the images
    by which the training of ``snapshot`` will be judged. Where none is held out for that there is no such run, since nobody
    knows yet which images will judge."""
    judging = {image.id for image in snapshot.labelled_images if not roles.is_learnt_from(image.split)}
    if not any(image.split == "val" for image in snapshot.labelled_images):
        return None
    for info in list_runs(project):
        if (
            _is_worth_it(info)
            and info.model == config.detector
            and _knows_the_task(info, config, snapshot, judging)
        ):
            return info
    return None


def _is_worth_it(info: RunInfo) -> bool:
    """Whether it has learnt to its end, or as far as somebody let it and was judged."""
    judged = info.state in (RunState.STOPPED, RunState.INTERRUPTED) and info.best_ap is not None
    return info.weights is not None and (info.state is RunState.COMPLETED or judged)


def _knows_the_task(info: RunInfo, config: TrainConfig, snapshot: Snapshot, judging: set[int]) -> bool:
    run = info.folder
    if is_cross_validation(run):
        return False
    try:
        before, learnt = TrainConfig.load(run.config), Snapshot.load(run.snapshot)
        same = before.spec.read_options(before.options) == config.spec.read_options(config.options)
        unseen = not judging & images_learnt(run)
    except ReticleError:  # which is told where that run is looked at
        return False
    classes = [[item.id for item in one.classes] for one in (learnt, snapshot)]
    return same and unseen and classes[0] == classes[1]
