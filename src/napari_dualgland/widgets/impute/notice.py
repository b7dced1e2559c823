"""What a person should hear of before anything is filled, and how to have it otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dualgland.findings import Finding
from napari_dualgland.widgets.kit.style import in_lines
from napari_dualgland.widgets.kit.tone import Tone, ToneLabel

MOST = 12
"""So many findings are spelled out in the tip."""


class Notice(QWidget):
    """Large damage, and regions that may be damaged; hidden where there is neither.

    In short: the tip says where each lies, and *Show missing* paints it.

    Attributes
    ----------
    told : tuple of str
        A sentence for each finding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.says = ToneLabel(Tone.DOUBTFUL, "font-size: 11px;")
        self.says.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        within = QVBoxLayout(self)
        within.setContentsMargins(0, 0, 0, 0)
        within.addWidget(self.says)
        self.tell(())

    def tell(self, findings: Sequence[Finding]) -> None:
        """Show findings: what looks damaged, and what is in doubt."""
        lines = []
        for doubtful, filled, words in (
            (False, True, "Looks damaged, is filled: {}."),
            (True, True, "May be damaged, is filled too: {}."),
            (
                True,
                False,
                "May be damaged, left as measured: {}. To fill it, mark it in a mask, or tick "
                "“What is doubtful too” under Detection.",
            ),
        ):
            of_kind = [f for f in findings if (f.doubtful, f.filled) == (doubtful, filled)]
            if of_kind:
                lines.append(f"⚠ {words.format(_shares(of_kind))}")
        self.says.setText("\n".join(lines))
        self.told = tuple(finding.sentence() for finding in findings)
        more = [f"… and {len(self.told) - MOST} more"] if len(self.told) > MOST else []
        self.says.setToolTip(in_lines("\n".join([*self.told[:MOST], *more])))
        self.setVisible(bool(lines))


def _shares(findings: Sequence[Finding]) -> str:
    """Return the share of each channel; of several planes the largest."""
    largest: dict[str, float] = {}
    for finding in findings:
        largest[finding.channel] = max(largest.get(finding.channel, 0.0), finding.share)
    planes = len({(finding.t, finding.z) for finding in findings})
    up_to = "up to " if planes > 1 else ""
    shares = ", ".join(f"{name} {up_to}{100 * share:.2g} %" for name, share in largest.items())
    return f"{shares}, in {planes} planes" if planes > 1 else shares
