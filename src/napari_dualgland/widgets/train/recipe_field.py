"""From which network on training starts: a recipe that ships, or a lab's own file."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QFileDialog

from napari_dualgland.legible import legible
from napari_dualgland.runs.recipes import RECIPES
from napari_dualgland.widgets.kit.fields import ChoiceField
from napari_dualgland.widgets.kit.style import footnote

_OWN = ""
"""Data of the item that asks for a file."""


class RecipeField(ChoiceField):
    """Names of recipes by what they start from, with what the chosen one is for."""

    def __init__(self) -> None:
        self._says = footnote()
        combo = QComboBox()
        super().__init__(combo, self._says)
        for name, recipe in RECIPES.items():
            combo.addItem(recipe.title, name)
        combo.addItem("A recipe of your own …", _OWN)
        self._last = next(iter(RECIPES))
        combo.activated.connect(self._on_activated)
        self.changed.connect(self._show)
        self._show()

    def set_value(self, value: str) -> None:
        """Choose a recipe; a file is called by its name."""
        if value not in self.names():
            self.combo.insertItem(self.combo.count() - 1, Path(value).name, value)
        self.combo.setCurrentIndex(self.names().index(value))

    def _on_activated(self, _: int) -> None:
        if self.value() != _OWN:
            return
        path, _filter = QFileDialog.getOpenFileName(
            self.widget, "A training recipe", "", "Recipes (*.yaml *.yml)"
        )
        self.set_value(path or self._last)

    def _show(self) -> None:
        name = self.value()
        if name == _OWN:
            return
        self._last = name
        recipe = RECIPES.get(name)
        with QSignalBlocker(self.combo):
            self._says.setText(legible(name) if recipe is None else recipe.summary)
