"""What the start screen tells of a project before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.services.figures import count_text
from detcore.errors import ProjectDamagedError, ReticleError
from detcore.project.project import Project
from detcore.types import Status


@dataclass(frozen=True, kw_only=True)
class RecentProject:
    """A project at ``folder``: how many images it has, how many of them are verified, the first of them.

    Of one that cannot be read ``problem`` says why, and the rest is nothing.
    """

    folder: Path
    images: int = 0
    verified: int = 0
    picture: Path | None = None
    problem: str = ""

    @property
    def progress(self) -> str:
        """Such as "7 of 60 verified"."""
        if not self.images:
            return "No images yet"
        return f"{count_text(self.verified)} of {count_text(self.images)} verified"


def look_into(folder: Path) -> RecentProject:
    """Read what there is to tell, for reading only; off the GUI thread."""
    if not folder.is_dir():
        return RecentProject(folder=folder, problem="Not here any more")
    try:
        with Project.open(folder, read_only=True) as project:
            listed = project.image_list()
            first = project.images(project.image_ids()[:1])
            return RecentProject(
                folder=folder,
                images=len(listed),
                verified=listed.count(Status.VERIFIED),
                picture=project.image_path(first[0]) if first else None,
            )
    except ProjectDamagedError:
        return RecentProject(folder=folder, problem="Damaged: open it to mend it")
    except ReticleError as error:
        return RecentProject(folder=folder, problem=error.message[:1].upper() + error.message[1:])
