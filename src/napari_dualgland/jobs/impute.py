"""Fill the missing pixels of one field of view."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import field_validator
from typing_extensions import override

from napari_dualgland.findings import Finding
from napari_dualgland.imputation import costs
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_mask, write
from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.shelf import Shelf, clear
from napari_dualgland.io.sources import files_behind
from napari_dualgland.io.targets import OME_TIFF, refuse_result
from napari_dualgland.jobs.base import Job, never
from napari_dualgland.jobs.impute_code import command_of, in_no_file, python_of
from napari_dualgland.jobs.inputs import (
    Detect,
    FileInput,
    Loaded,
    MaskFile,
    MaskLayer,
    MaskSource,
    Region,
)
from napari_dualgland.mask import Mask
from napari_dualgland.progress import Cancelled, Course, Progress
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.typing import LazyArray


@dataclass(frozen=True, eq=False)
class FoundMissing:
    """The missing pixels of a field of view.

    Attributes
    ----------
    stack : Stack
        The field of view, or the plane of it that was asked for.
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``.
    shares : dict of str to float
        Share of missing pixels, 0 to 1, by role; 1 for a role without a channel.
    findings : tuple of Finding
        What a person should hear of before it is filled.
    """

    stack: Stack
    missing: LazyArray
    shares: dict[str, float]
    findings: tuple[Finding, ...] = ()


class ImputeJob(Job):
    """Fill the missing pixels of one field of view.

    Attributes
    ----------
    input, plane, output
        As of every :class:`~napari_dualgland.jobs.base.Job`; the output is an OME-TIFF or an
        OME-Zarr.
    missing : Detect, MaskFile or MaskLayer
        How missing pixels are found.
    roles : tuple of str
        Channels in which pixels count as missing.
    region : Region or None
        The part of the field in which they do; None: all of it. Channels that were never
        recorded are estimated whole in any case.
    params : ImputeParams
        How they are filled.
    """

    kind: Literal["impute"] = "impute"
    missing: MaskSource = Detect()
    roles: tuple[str, ...] = ROLES
    region: Region | None = None
    params: ImputeParams = ImputeParams()

    @field_validator("roles")
    @classmethod
    def _in_order(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(roles) - set(ROLES)
        if unknown:
            raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
        if not roles:
            raise ValueError("no channel is named, so there is nothing to fill")
        return tuple(role for role in ROLES if role in roles)

    @override
    def check_output(self) -> None:
        """Refuse an output that cannot be written; see :meth:`.Job.check_output`."""
        if self.output is not None:
            refuse_result(self.output, self.reads())

    @override
    def check(self) -> None:
        """Refuse a model, a device or an output that cannot be had; see :meth:`.Job.check`."""
        self.check_output()
        self._refuse_model("impute")

    @override
    def load(self) -> Loaded:
        """Read stack and mask from files; see :meth:`.Job.load`."""
        source = self.mask_file()
        if isinstance(source, MaskLayer):
            raise in_no_file(source)
        stack = self.read_stack()
        if self.output is not None:
            # Here and not above: ome-types takes a second, which docks need not wait for.
            from napari_dualgland.io.ome_source import notes_on_header
            from napari_dualgland.io.ome_writing import pixel_type

            refuse_result(self.output, [Path(file) for file in stack.files])
            if _is_ome_tiff(self.output):
                pixel_type(stack.dtype, stack.where)
            stack = replace(stack, notes=(*stack.notes, *notes_on_header(stack)))
        return Loaded(stack, read_mask(source.path) if isinstance(source, MaskFile) else None)

    def find_steps(
        self, loaded: Loaded | None = None, should_stop: Callable[[], bool] = never
    ) -> Generator[Progress, None, FoundMissing]:
        """Find the missing pixels and fill nothing.

        Parameters
        ----------
        loaded : Loaded, optional
            What to look at; read from files if left out.
        should_stop : callable
            Asked between planes.

        Returns
        -------
        FoundMissing

        Yields
        ------
        Progress

        Raises
        ------
        Cancelled
            If ``should_stop`` returned true.
        """
        yield Progress(0, 0, "Looking for missing pixels")
        heard: list[Finding] = []
        stack, mask = self._stack_and_mask(loaded or self.load(), heard.append, should_stop)
        missing = mask.fitted(stack)
        canonical, places = to_canonical(missing, stack.axes), list(stack.frames())
        in_memory = isinstance(stack.data, np.ndarray)
        found = np.zeros(canonical.shape, dtype=bool) if in_memory else None
        counts = np.zeros(canonical.shape[2])
        for number, (t, z) in enumerate(places):
            if should_stop():
                raise Cancelled.run()
            yield Progress(number, len(places))
            plane = np.asarray(canonical[t, z])
            counts += plane.mean(axis=(1, 2)) / len(places)
            if found is not None:
                found[t, z] = plane
        # Of a lazy stack the mask stays lazy too: it is as large as the stack.
        kept = missing if found is None else from_canonical(found, stack.axes)
        shares = {role: float(counts[i]) for role, i in stack.roles.items()}
        by_role = {role: shares.get(role, 1.0) for role in ROLES}
        return FoundMissing(stack, kept, by_role, tuple(heard))

    @override
    def steps(
        self,
        loaded: Loaded | None = None,
        should_stop: Callable[[], bool] = never,
        both: bool = False,
    ) -> Generator[Progress, None, Imputation]:
        """Fill them in; see :meth:`.Job.steps`. The result's provenance carries the job.

        What a person should hear of is told before the first tile is filled, and noted. ``both``
        is as for :func:`napari_dualgland.impute`.
        """
        loaded = loaded or self.load()
        course = costs.of_job(self._shape(loaded.stack), self.params)
        yield Progress(0, 0, "Loading the model", share=course.at("loading"))
        # Here and not above: torch takes seconds to import, and a dock should open at once.
        from napari_dualgland.imputation.engine import impute_steps

        yield Progress(0, 0, "Looking for missing pixels", share=course.at("looking"))
        heard: list[Finding] = []
        stack, mask = self._stack_and_mask(loaded, heard.append, should_stop)
        shelf = None
        if self.output is not None and isinstance(self.input, FileInput):
            sources = [*self.reads(), *map(Path, stack.files)]
            shelf = Shelf(self.output, repr(self.model_dump()), sources)
        filling = impute_steps(stack, mask, self.params, should_stop, shelf, both)
        try:
            result = yield from _telling(filling, heard, course)
        finally:
            if shelf is not None:
                shelf.close()
        notes = (*(finding.sentence() for finding in heard), *result.provenance.notes)
        known = result.provenance.model_copy(update={"notes": tuple(dict.fromkeys(notes))})
        if not result.unchanged:  # else no job has made it
            known = known.model_copy(update={"job": self.portable()})
        return replace(result, provenance=known)

    def _shape(self, stack: Stack) -> tuple[int, ...]:
        """Return the shape of what is worked on."""
        if self.plane is None:
            return stack.shape
        return tuple(n for n, axis in zip(stack.shape, stack.axes, strict=True) if axis not in "TZ")

    def _stack_and_mask(
        self, loaded: Loaded, tell: Callable[[Finding], None], should_stop: Callable[[], bool]
    ) -> tuple[Stack, Mask]:
        """Return what is to be filled and its mask, found lazily where there are many planes.

        ``tell`` hears what a person should, of the channels in which pixels count.
        """
        whole, mask = loaded.stack, loaded.missing
        stack = whole if self.plane is None else whole.plane(self.plane.t, self.plane.z)
        if mask is None:
            assert isinstance(self.missing, Detect)
            # Here and not above: it takes a second to import, and a dock should open at once.
            from napari_dualgland.missing import find_missing

            counting = {stack.channel_keys[i] for r, i in stack.roles.items() if r in self.roles}

            def tell_if_counting(finding: Finding) -> None:
                if finding.channel in counting:
                    tell(finding)

            # Plane by plane, when each is asked for: so a person can cancel between planes.
            planes, params = _by_planes(stack), self.missing.params
            found = find_missing(planes, params, tell_if_counting, should_stop)
            mask = Mask(found, stack.axes)
        elif self.plane is not None:
            mask = mask.plane(whole, self.plane.t, self.plane.z)
        if self.roles != ROLES:
            mask = mask.only(self.roles)
        if self.region is not None:
            mask = mask.inside(*self.region.bounds)
        return stack, mask

    @override
    def save(self, result: Imputation) -> None:
        """Write the result; the input's own bytes where nothing was missing of an OME-TIFF."""
        assert self.output is not None
        copied = self._whole_file()
        if not result.unchanged:
            write(result, self.output)
        elif copied is not None:
            with replacing(self.output) as beside:
                shutil.copyfile(copied, beside)
        else:
            # An empty mask would say that something had been looked for and filled.
            write(result.without_marks(), self.output)
        clear(self.output)

    def _whole_file(self) -> Path | None:
        """Return the input where it is an OME-TIFF by itself, of which nothing was stated anew."""
        same = self.file is not None and self.plane is None and self.file.pixel_size is None
        path = self.file.path if self.file is not None and same else None
        if path is None or not _is_ome_tiff(path) or not path.is_file():
            return None
        assert self.output is not None
        if not _is_ome_tiff(self.output):
            return None
        return path if files_behind(path) == (path,) else None

    @override
    def as_python(self) -> str:
        """Return a script of the public API; see :meth:`.Job.as_python`."""
        return python_of(self)

    def mask_file(self) -> Detect | MaskFile | MaskLayer:
        """Return the source of the mask; its file where a layer shows just what is in one."""
        if isinstance(self.missing, MaskLayer) and self.missing.layer.path is not None:
            return MaskFile(path=self.missing.layer.path)
        return self.missing

    @override
    def as_command(self) -> str:
        """Return the shell line; see :meth:`.Job.as_command`."""
        return command_of(self)


def _telling(
    steps: Generator[Progress, None, Imputation], heard: list[Finding], course: Course
) -> Generator[Progress, None, Imputation]:
    """Do the steps, and tell what was heard while masks were read before the tiles are known.

    The engine's share is that of the whole work from here on.
    """
    told = False
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            result: Imputation = end.value
            if heard and not told:  # there is nothing to fill, but something is in doubt
                yield Progress(0, 0, found=tuple(heard))
            return result
        if event.total and not told:
            told = True
            event = replace(event, found=tuple(heard))
        yield replace(event, share=course.at("imputing", event.share or 0.0))


def _is_ome_tiff(path: Path) -> bool:
    return path.name.lower().endswith(OME_TIFF)


def _by_planes(stack: Stack) -> Stack:
    """Return a stack of many planes as a lazy one, a chunk for each plane."""
    if not isinstance(stack.data, np.ndarray) or len(list(stack.frames())) == 1:
        return stack
    import dask.array as da

    chunks = tuple(1 if axis in "TZ" else -1 for axis in stack.axes)
    lazy = da.from_array(stack.data, chunks=chunks, name=False)  # type: ignore[no-untyped-call]
    return replace(stack, data=lazy)
