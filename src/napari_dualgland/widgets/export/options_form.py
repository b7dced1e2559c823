"""Which fill is written and what goes along, as far as there is something to choose."""

from __future__ import annotations

from napari_dualgland.io.writing import WriteOptions
from napari_dualgland.jobs.export import Exportable
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.kit.params_form import ParamsForm


class OptionsForm(ParamsForm[WriteOptions]):
    """Asks for what a result offers."""

    def __init__(self) -> None:
        super().__init__(WriteOptions)

    def offer(self, result: Exportable) -> None:
        """Let a person choose among fills, and take along what goes along, where there is any."""
        filled = isinstance(result, Imputation)
        samples = filled and bool(result.samples)
        unsure = filled and result.uncertainty is not None
        both = samples or (filled and result.other is not None)
        for name, there in (("fill", both), ("samples", samples), ("uncertainty", unsure)):
            self.fields[name].widget.setEnabled(there)

    def asked(self) -> WriteOptions:
        """Return what is asked for; what there is nothing to choose of is as it comes."""
        free = {name for name, field in self.fields.items() if field.widget.isEnabledTo(self)}
        return WriteOptions(**self.value().model_dump(include=free))
