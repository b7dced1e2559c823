"""What is seen of a run: what was asked for, its curves, its samples, and the card of its model."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import TrainJob
from napari_dualgland.legible import legible
from napari_dualgland.model.weights import read_card
from napari_dualgland.runs.history import History
from napari_dualgland.widgets.kit.style import column, footnote, heading, in_lines
from napari_dualgland.widgets.train.curves import RunCurves
from napari_dualgland.widgets.train.sheet import SampleSheet
from napari_dualgland.widgets.train.words import (
    card_words,
    images_words,
    job_words,
    warning_words,
)


class RunView(QWidget):
    """Follows a run."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = footnote()
        self.curves = RunCurves()
        self.samples = heading("Latest samples")
        self.sheet = SampleSheet()
        self.warnings = footnote()
        self.card_head = heading("The model")
        self.card = footnote()
        parts: tuple[QWidget, ...] = (self.asked, self.card_head, self.card, self.curves)
        column(self, *parts, self.samples, self.sheet, self.warnings)

    def ask(self, job: TrainJob) -> None:
        """Show what a run was asked for, and nothing yet of what it tells."""
        self._asked = job_words(job.params.recipe, job.images, job.params.device)
        self.asked.setToolTip(in_lines(str(job.images)))
        self.show_history(job.output, History())
        self.show_card(None)

    def show_history(self, folder: Path, history: History) -> None:
        """Show what a run has told.

        Parameters
        ----------
        folder : pathlib.Path
            Of the run.
        history : History
        """
        self.asked.setText("\n".join(filter(None, [self._asked, images_words(history)])))
        self.curves.show_history(history)
        self.sheet.show_file(folder / history.picture if history.picture else None)
        self.samples.setVisible(self.sheet.path is not None)
        self.warnings.setText(warning_words(history.warnings))
        self.warnings.setToolTip(in_lines("\n".join(history.warnings)))
        self.warnings.setVisible(bool(history.warnings))

    def show_card(self, model: Path | None) -> None:
        """Show the card of a model; nothing where there is none."""
        text = ""
        if model is not None:
            try:
                text = card_words(read_card(str(model))[0])
            except DualglandError as error:
                text = legible(str(error))
        self.card.setText(text)
        self.card.setVisible(bool(text))
        self.card_head.setVisible(bool(text))
