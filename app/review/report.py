"""The report of what is reviewed: asks for a file, writes it in the pool, offers to show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.review.live.live_evaluation import LiveReview
from app.review.save_dialog import ask_where_to_save
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
