"""What a run starts from: published weights, a file, or those of an earlier run."""

from __future__ import annotations

from pathlib import Path

from detcore.data.samples import class_ids
from detcore.project.run_weights import is_of_run
from detcore.project.snapshot import Snapshot
from detcore.weights.cache import published_weights, weights_path
from detcore.zoo.base import Detector
from detcore.zoo.weights import LoadReport, load_weights, published_classes


def load_first_weights(
    detector: Detector, weights: str, snapshot: Snapshot, *, runs_folder: Path
) -> LoadReport:
    """Take what fits from ``weights``, a name or a path, for the classes of ``snapshot``: of a run in ``runs_folder`` by the
    ids of classes, else by their names.

    Raises:
        ConfigError: they are not there, cannot be read, or nothing of them fits.
    """
    published, path = published_weights(weights), weights_path(weights)
    return load_weights(
        detector,
        path,
        class_names=[item.name for item in snapshot.classes],
        class_ids=class_ids(snapshot).tolist() if is_of_run(path, runs_folder) else (),
        published_names=() if published is None else published_classes(published.learnt),
    )
