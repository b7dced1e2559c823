"""A dock that is a form with a button: laid out, put to rest while it works, heard and answered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.first_contact import FirstContact
from napari_dualgland.widgets.kit.copy_button import CopyButton
from napari_dualgland.widgets.kit.docked import Docked
from napari_dualgland.widgets.kit.form_area import FormArea
from napari_dualgland.widgets.kit.notify import line_of
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import column
from napari_dualgland.widgets.kit.thread import JobThread, Steps


class FormDock(Docked):
    """What every form of the plugin does, whatever it asks for.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that it is docked in.
    run_bar : RunBar
        The button that starts the work, and the line that says how it went.
    params : ParamsForm
        The parameters of the job.
    """

    def __init__(self, viewer: Any, run_bar: RunBar, params: ParamsForm[Any]) -> None:
        super().__init__(viewer)
        self.run_bar, self.params = run_bar, params
        self.copy_as = CopyButton()
        self._refused = False
        self._first: FirstContact | None = None
        self._form: FormArea | None = None
        self._asked: list[QWidget] = [params, self.copy_as, self.tools[0]]
        for tool in self.tools:
            run_bar.put_beside(tool)

    # --- layout -----------------------------------------------------------------------

    def form(self, *parts: QWidget | str) -> FormArea:
        """Return the form; what it asks rests while the dock works.

        Parameters
        ----------
        *parts : QWidget or str
            What it holds, from the top down; a text is a heading. What comes before the run bar
            scrolls; the run bar stays in sight, and what comes behind it as far as there is room.

        Returns
        -------
        FormArea
            To be given to :meth:`hold`, alone or in something.
        """
        widgets = [part for part in parts if isinstance(part, QWidget)]
        self._asked += [widget for widget in widgets if widget is not self.run_bar]
        for channels in (widget for widget in widgets if isinstance(widget, ChannelsForm)):
            self._first = FirstContact(self.viewer)
            channels.changed.connect(self._forget_refusal)
        at = parts.index(self.run_bar) if self.run_bar in parts else len(parts)
        above, below = parts[:at], parts[at + 1 :]
        self._form = FormArea(*above, pinned=self.run_bar, below=below, instead=self._first)
        return self._form

    def hold(self, content: QWidget) -> None:
        """Fill the dock with the form, or with what holds the form."""
        column(self, content)
        self.furnish()
        self._greet()

    def _enable_form(self, enabled: bool) -> None:
        for widget in self._asked:
            widget.setEnabled(enabled)

    def _greet(self) -> None:
        """Show what to begin with in place of a form that asks for what is not there."""
        if self._first is not None and self._form is not None:
            self._first.refresh()
            self._form.show_instead(self._first.wanted, alone=not self._first.has_met)

    # --- words ------------------------------------------------------------------------

    def tell(self, error: Exception) -> None:
        """Show an error in the form, beside what is said there of the last run."""
        self.run_bar.say(line_of(error), error=True)

    def copy(self, write: Callable[[], str]) -> None:
        """Put what ``write`` returns on the clipboard, or say why that cannot be had."""
        try:
            QGuiApplication.clipboard().setText(write())
        except DualglandError as error:
            self.tell(error)
            return
        self.run_bar.say("Copied to the clipboard.")

    def refuse(self, error: DualglandError) -> None:
        """Say why the work that is asked for cannot begin, until something else is asked for."""
        self.run_bar.end(line_of(error), error=True)
        self._refused = True

    def _forget_refusal(self) -> None:
        """Another choice: what was wrong with the one before is no news any more."""
        if self._refused:
            self._refused = False
            self.run_bar.end("")

    # --- in the background ------------------------------------------------------------

    def in_background(self, steps: Steps) -> JobThread:
        """Do this in a thread that lives no longer than the dock; it has begun."""
        thread = JobThread(steps, self)
        thread.ended.connect(thread.deleteLater)
        thread.start()
        return thread

    def write(self, write: Callable[[], Any]) -> None:
        """Write a file in a thread, for a large one takes seconds; ``write`` returns its path."""

        def steps(should_stop: Callable[[], bool]) -> Generator[Progress, None, Any]:
            yield Progress(0, 0, "Writing")
            return write()

        self.run_bar.say("Writing …")
        thread = self.in_background(steps)
        thread.succeeded.connect(lambda path: self.run_bar.say(f"Wrote {legible(str(path))}"))
        thread.failed.connect(self.tell)
