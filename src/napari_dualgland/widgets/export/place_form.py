"""Where an export goes: a line to type in, and a button to browse."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_dualgland.files import home_expanded
from napari_dualgland.widgets.export.offered import Offered


class PlaceForm(QWidget):
    """Asks for a path."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._offered: Offered | None = None
        self._proposed = ""
        self.line = QLineEdit()
        self.line.setAccessibleName("File to write")
        self.line.setToolTip("The file or folder that will be written, with its folder.")
        self.browse = QPushButton("Browse …")
        self.browse.setToolTip("Choose where the export goes.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.browse)
        self.line.textChanged.connect(lambda _: self.changed.emit())
        self.browse.clicked.connect(self._on_browse)

    def value(self) -> Path | None:
        """Return the path; None if none was chosen."""
        text = self.line.text().strip()
        return home_expanded(text) if text else None

    def set_value(self, path: Path | None) -> None:
        """Show a path."""
        self._show("" if path is None else str(path))

    @property
    def is_proposed(self) -> bool:
        """Whether the path is the one that was proposed, and no person's."""
        return self.line.text().strip() == self._proposed

    def propose(self, path: Path, offered: Offered) -> None:
        """Show a path for what was chosen, or give the one that a person has typed its ending.

        Parameters
        ----------
        path : pathlib.Path
            Without an ending.
        offered : Offered
            The format.
        """
        self._offered = offered
        typed = self.line.text().strip()
        fresh = str(path.with_name(offered.named(path.name)))
        if typed and typed != self._proposed:
            own = Path(typed)
            self._show(str(own.with_name(offered.named(own.name))))
            return
        self._proposed = fresh
        self._show(fresh)

    def _show(self, text: str) -> None:
        # What is shown already is left alone: the cursor would go where no person has put it.
        if text != self.line.text():
            self.line.setText(text)  # its end, where the name stands, is in sight

    def _on_browse(self) -> None:
        start, offered = self.line.text(), self._offered
        if offered is None or not offered.endings:
            chosen = QFileDialog.getExistingDirectory(self, "Folder to write into", start)
        else:
            kinds = " ".join(f"*{ending}" for ending in offered.endings)
            # The dock asks itself: a set is several files, of which the dialog knows one.
            chosen, _ = QFileDialog.getSaveFileName(
                self,
                "Export",
                start,
                f"{offered.name} ({kinds})",
                options=QFileDialog.Option.DontConfirmOverwrite,
            )
        if chosen:
            path = Path(chosen)
            named = offered.named(path.name) if offered is not None else path.name
            self._show(str(path.with_name(named)))
