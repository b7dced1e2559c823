"""An imputation written down: as a script of the public API, and as a shell line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs.channel_words import channels_option
from napari_dualgland.jobs.code import Script, flags, path_word, refuse_plane, told
from napari_dualgland.jobs.inputs import (
    Detect,
    LayersInput,
    MaskFile,
    MaskLayer,
    file_of,
    pixel_size_option,
)
from napari_dualgland.stack import ROLES

if TYPE_CHECKING:
    from napari_dualgland.jobs.impute import ImputeJob

_ALWAYS = ("model", "device", "tile", "seed")
_ENDING = "_imputed.ome.tif"


def python_of(job: ImputeJob) -> str:
    """Return the script; see :meth:`.Job.as_python`."""
    script = Script()
    file, masked = job.file, isinstance(job.missing, MaskLayer | MaskFile)
    if file is not None and not isinstance(job.mask_file(), MaskLayer):
        script.read(file)
    else:
        assert isinstance(job.input, LayersInput)
        script.take(job.input)
    source = job.mask_file() if not script.in_napari else job.missing
    if isinstance(source, MaskFile):
        script.names.add("read_mask")
        script.body.append(f"missing = read_mask({str(source.path)!r})")
    elif isinstance(source, MaskLayer):
        assert isinstance(job.input, LayersInput)
        script.mark("missing", job.input, source.layer)
    script.cut(job.plane, ["missing"] if masked else [])
    if isinstance(source, Detect):
        _detect(script, source)
    cuts = [f".only({list(job.roles)!r})"] if job.roles != ROLES else []
    if job.region is not None:
        cuts.append(f".inside({', '.join(map(str, job.region.bounds))})")
    if cuts and isinstance(source, Detect):
        script.names.add("Mask")
        script.body.append("missing = Mask(missing, stack.axes)")
    script.body += [f"missing = missing{cut}" for cut in cuts]
    script.call("impute", ("stack", "missing"), told(job.params, _ALWAYS))
    if file is not None:
        script.write(job.output or job.beside(_ENDING))
    return str(script)


def command_of(job: ImputeJob) -> str:
    """Return the shell line; see :meth:`.Job.as_command`.

    Raises
    ------
    DualglandError
        If the command line cannot say what the job says.
    """
    file = file_of(job.input, "the command line")
    refuse_plane(job.plane)
    source = job.mask_file()
    if isinstance(source, MaskLayer):
        raise in_no_file(source)
    options: dict[str, object] = {"out": job.output or job.beside(_ENDING)}
    if isinstance(source, MaskFile):
        options["missing"] = source.path
    elif source == Detect.nan_only():
        options["missing"] = "nan"
    special = isinstance(source, Detect) and source not in (Detect(), Detect.nan_only())
    if job.roles != ROLES or special:
        raise DualglandError(
            Kind.UNSUPPORTED,
            "missing",
            "the command line has no option for this choice of missing pixels",
            way_out="copy as Python",
        )
    words = ["dualgland", "impute", path_word(file.path), *flags(options)]
    words += channels_option(file.channels)
    words += pixel_size_option(file.pixel_size)
    words += [] if job.region is None else ["--region", str(job.region)]
    return shlex.join([*words, *flags(told(job.params, _ALWAYS))])


def in_no_file(source: MaskLayer) -> DualglandError:
    """Return the refusal of a mask that a file would have to hold."""
    return DualglandError(
        Kind.LACKING,
        source.layer.name,
        "the layer is in no mask file",
        way_out="save it as TIFF and open that, or copy as Python",
    )


def _detect(script: Script, source: Detect) -> None:
    script.names.add("find_missing")
    options = ", ".join(f"{k}={v!r}" for k, v in told(source.params, ()).items())
    script.names |= {"MissingParams"} if options else set()
    more = f", MissingParams({options})" if options else ""
    script.body.append(f"missing = find_missing(stack{more})")
