"""The report of what is reviewed: asks for a file, writes it in the pool, offers to show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.review.live.live_evaluation import LiveReview
from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import ProgressCallback
from detcore.errors import Cancelled, ReticleError
from detcore.project.scope import SCOPE_TEXTS
from detcore.review.review import Review

if TYPE_CHECKING:
    from detcore.report.write import Report

SUFFIX, PDF_SUFFIX = ".html", ".pdf"
_KINDS = {f"Web page (*{SUFFIX})": SUFFIX, f"PDF (*{PDF_SUFFIX})": PDF_SUFFIX}


class ReviewReport(QObject):
    """Writes the run, images, IoU and threshold that are shown as one HTML file or as PDF."""

    def __init__(self, context: AppContext, live: LiveReview, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._live, self._window = context, live, window
        context.actions.bind("review.report", self._ask, when=self._is_possible)

    def write(self, out: Path) -> None:
        """Write the report of what is shown now, as PDF if the file is named so; a message says when it is
        done."""
        review, threshold = self._live.review, self._live.threshold
        if review is None:
            return
        # loaded when it is asked for: the window opens without it
        from app.printing.report_pdf import write_pdf
        from detcore.report.write import write_report

        project = self._context.document.project
        write = write_pdf if out.suffix.lower() == PDF_SUFFIX else None

        def work(progress: ProgressCallback) -> Report:
            return write_report(
                project,
                review.run,
                out,
                image_ids=np.sort(review.scopes[review.scope]),
                scope=SCOPE_TEXTS[review.scope],
                threshold=threshold,
                iou_threshold=review.evaluation.iou_threshold,
                progress=progress,
                write=write,
            )

        self._context.tasks.run_with_progress(f"Writing {out.name}", work, done=self._tell, failed=self._fail)

    def _is_possible(self) -> bool:
        review = self._live.review
        return review is not None and review.image_count > 0 and not review.unjudged

    def _ask(self) -> None:
        review = self._live.review
        if review is None:
            return
        suggested = self._context.document.project.folder.parent / self._file_name(review)
        chosen = ask_where_to_save(self._window, "Write a report", suggested, _KINDS)
        if chosen is not None:
            self.write(chosen)

    def _file_name(self, review: Review) -> str:
        scope = review.scope.value.lower().replace(" ", "-")
        return f"{self._context.document.project.name}-{review.run.name}-{scope}{SUFFIX}"

    def _tell(self, report: Report) -> None:
        show = ("Show", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(report.path))))
        text = f"The report is in {report.path.name}."
        if report.problems:
            missing = f"{counted(len(report.problems), 'image')} could not be read"
            details = "\n".join(str(problem) for problem in report.problems)
            self._context.messages.warning(f"{text} {missing}.", action=show, details=details)
        else:
            self._context.messages.success(text, action=show)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. No report was written.")
        elif isinstance(error, ReticleError):
            self._context.messages.error(error, doing="write the report")
        else:
            raise error


def ask_where_to_save(parent: QWidget, title: str, suggested: Path, kinds: Mapping[str, str]) -> Path | None:
    """A path that ends in one of the suffixes; ``None`` if the user does not want to.

    ``kinds`` are filters with their suffixes ("PDF (*.pdf)": ".pdf"). A name follows when another kind is
    chosen, so that the dialog asks about the file that would be replaced.
    """
    dialog = QFileDialog(parent, title, str(suggested.parent))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(kinds))
    dialog.setDefaultSuffix(suggested.suffix.removeprefix("."))
    dialog.selectFile(suggested.name)

    def follow(kind: str) -> None:
        dialog.setDefaultSuffix(kinds[kind].removeprefix("."))
        for chosen in dialog.selectedFiles():
            if Path(chosen).suffix in kinds.values():
                dialog.selectFile(Path(chosen).with_suffix(kinds[kind]).name)

    dialog.filterSelected.connect(follow)
    chosen = _ask(dialog, kinds)
    dialog.deleteLater()
    return chosen


def _ask(dialog: QFileDialog, kinds: Mapping[str, str]) -> Path | None:
    """Until the user gives a name that is free or says that the file may be replaced."""
    while dialog.exec() == QFileDialog.DialogCode.Accepted and dialog.selectedFiles():
        given = Path(dialog.selectedFiles()[0])
        if given.suffix.lower() in kinds.values():
            return given
        # a dot in the name ("run v1.2") looks like a suffix, and the dialog has asked about a file without
        # ours
        chosen = given.with_name(given.name + kinds[dialog.selectedNameFilter()])
        if not chosen.exists() or _may_replace(dialog, chosen):
            return chosen
        dialog.selectFile(chosen.name)
    return None


def _may_replace(dialog: QFileDialog, path: Path) -> bool:
    question = f"{path.name} already exists.\nDo you want to replace it?"
    answer = QMessageBox.warning(
        dialog,
        dialog.windowTitle(),
        question,
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
        QMessageBox.StandardButton.No,
    )
    return answer == QMessageBox.StandardButton.Yes
