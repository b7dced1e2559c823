"""Say in which places of each cell of one field of view the protein is."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import ClassVar, Literal

from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing_all
from napari_dualgland.io.localization_writing import WRITTEN, making, write_files
from napari_dualgland.io.targets import refuse_folder
from napari_dualgland.jobs.cells import CellsJob
from napari_dualgland.jobs.inputs import Loaded
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import Progress
from napari_dualgland.results import Localization
from napari_dualgland.stack import Stack
from napari_dualgland.typing import LazyArray

OVERLAY = "overlay.png"
FILES = (*WRITTEN, OVERLAY)
"""What a localization leaves in its folder."""


class LocalizeJob(CellsJob):
    """Say in which places of each cell of one field of view the protein is.

    Attributes
    ----------
    input, plane, output, cells, missing, impute_first
        As of every :class:`~napari_dualgland.jobs.cells.CellsJob`; the output is a folder.
    params : LocalizeParams
    """

    kind: Literal["localize"] = "localize"
    params: LocalizeParams = LocalizeParams()

    ending: ClassVar[str] = "_localized"
    always: ClassVar[tuple[str, ...]] = ("model", "device")

    @property
    @override
    def _folder(self) -> Path | None:
        return None if self.output is None else self.output.absolute()

    @override
    def refuse_over(self, read: list[Path]) -> None:
        """Refuse a folder that cannot be written to; see :meth:`.CellsJob.refuse_over`."""
        if self.output is not None:
            refuse_folder(self.output, FILES, read)

    @override
    def check(self) -> None:
        """Refuse a model, a device or an output that cannot be had; see :meth:`.Job.check`."""
        self.check_output()
        self._refuse_model("localize")

    @override
    def load(self) -> Loaded:
        """Read what is looked at, with a channel that is the protein; see :meth:`.Job.load`."""
        loaded = super().load()
        if "protein" not in loaded.stack.roles:
            raise DualglandError(
                Kind.LACKING,
                loaded.stack.where,
                "no channel is the protein",
                part="protein",
                way_out="say it with --channels",
            )
        return loaded

    @override
    def look_steps(
        self,
        stack: Stack,
        labels: LazyArray | None,
        missing: LazyArray | None,
        should_stop: Callable[[], bool],
    ) -> Generator[Progress, None, Localization]:
        """Find the cells and read each; see :meth:`.CellsJob.look_steps`."""
        from napari_dualgland.localization.predict import localize_steps

        return (yield from localize_steps(stack, labels, self.params, missing, should_stop))

    @override
    def save(self, result: Localization) -> None:
        """Write table, cells, maps and picture into the folder: all of them or none."""
        assert self.output is not None
        save_localization(result, self.output)


def save_localization(result: Localization, folder: Path) -> None:
    """Write table, cells, maps and picture into a folder: all of them or none.

    Parameters
    ----------
    result : Localization
    folder : pathlib.Path
        Made where it is not there.

    Raises
    ------
    DualglandError
        If it cannot be written there.
    """
    from napari_dualgland.localization.picture import picture

    with making(folder), replacing_all([folder / name for name in FILES]) as beside:
        *files, overlay = beside
        write_files(result, dict(zip(WRITTEN, files, strict=True)))
        # Of micrographs the lowest level leaves the smallest file, in a fifth of the time.
        picture(result).save(overlay, format="PNG", compress_level=1)
