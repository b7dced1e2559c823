"""What a person should hear of before anything is filled, and how to have it otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_dualgland.findings import Finding

MOST = 6
"""So many findings are spelled out."""


class Notice(QLabel):
    """Large damage, and regions that may be damaged; hidden where there is neither."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setStyleSheet("font-size: 11px; color: #d9a441;")
        self.tell(())

    def tell(self, findings: Sequence[Finding]) -> None:
        """Show findings, those in doubt first."""
        ordered = sorted(findings, key=lambda finding: not finding.doubtful)
        lines = [f"⚠ {finding.sentence()}" for finding in ordered[:MOST]]
        if len(ordered) > MOST:
            lines.append(f"… and {len(ordered) - MOST} more")
        if lines:
            lines.append("Show missing paints what will be filled.")
        self.setText("\n".join(lines))
        self.setVisible(bool(lines))
