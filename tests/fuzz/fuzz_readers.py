"""Every reader of files there is, the sound files that are damaged for it, and what is right.

Right is: what a damaged file is refused with is a :class:`DualglandError` with its data, and
what is read of it keeps the promises of what it became. Anything else is wrong.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from napari_dualgland.io import read, read_labels, read_mask, write
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.results import Imputation
from napari_dualgland.stack import CANONICAL_AXES, ROLES, Channel, Stack, to_canonical

SHAPE = (24, 40)


class NotRight(AssertionError):
    """A damaged file was read as something that cannot be."""


@dataclass(frozen=True)
class Reader:
    """How one kind of file is made, and read.

    Attributes
    ----------
    seeds : callable
        Makes the sound files in a folder and returns them; a folder counts as one.
    read : callable
        Reads one of them; raises whatever it raises.
    """

    seeds: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]


def pixels(dtype: str = "uint8", lead: tuple[int, ...] = (4,)) -> Any:
    values = np.random.default_rng(3).random((*lead, *SHAPE))
    return (values * np.iinfo(dtype).max).astype(dtype)


def sound(stack: Stack) -> Stack:
    """Return a stack after making sure that it can be what it says; read to the last pixel."""
    data = np.asarray(stack.data)
    size = stack.pixel_size
    sizes = [] if size is None else [size.y, size.x, *([] if size.z is None else [size.z])]
    for right, what in (
        (set(stack.axes) <= set(CANONICAL_AXES) and len(set(stack.axes)) == data.ndim, "axes"),
        (data.shape == stack.shape and data.size, "shape"),
        (data.dtype == stack.dtype and data.dtype.kind in "buif", "dtype"),
        (len(stack.channels) == dict(zip(stack.axes, data.shape, strict=True)).get("C", 1), "C"),
        (all(isinstance(c.name, str) and c.name for c in stack.channels), "names"),
        (all(1e-4 <= s <= 1e3 for s in sizes), "pixel size"),
        (stack.time_step is None or 0 < stack.time_step < math.inf, "time step"),
    ):
        if not right:
            raise NotRight(f"{what}: {stack.axes} {data.shape} {data.dtype} {sizes}")
    return stack


def _read_and_write(path: Path) -> None:
    """Read a stack; what is read can be written, and comes back bit for bit."""
    stack = sound(read(path, {"nucleus": 0}))
    beside = path.parent / "again.ome.tif"
    again = read(write(stack, beside), {"nucleus": 0})
    was, came = (np.asarray(to_canonical(one.data, one.axes)) for one in (stack, again))
    if was.dtype != came.dtype or not np.array_equal(came, was, equal_nan=was.dtype.kind == "f"):
        raise NotRight("what was written is not what was read")


def _stack(dtype: str = "uint8", lead: tuple[int, ...] = (4,), axes: str = "CYX") -> Stack:
    channels = tuple(Channel(f"stain {role}", role) for role in ROLES)
    return Stack(pixels(dtype, lead), axes, channels, PixelSize(0.08, 0.08, 0.3))


def _ome(folder: Path) -> list[Path]:
    stack = _stack("uint16")
    missing = np.zeros(stack.shape, bool)
    missing[:, 3:9, 4:12] = True
    result = Imputation.of(stack, missing, np.where(missing, 0.1, 0).astype(np.float32))
    paths = [write(result, folder / "ours.ome.tif")]
    paths.append(write(_stack("uint8", (2, 3, 4), "TZCYX"), folder / "five.ome.tif"))
    for name, options in (
        ("tiled", {"tile": (16, 16), "compression": "zlib"}),
        ("lzw", {"compression": "lzw", "predictor": True, "rowsperstrip": 5}),
        ("float", {}),
    ):
        paths.append(folder / f"{name}.ome.tif")
        said = {"axes": "CYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"}
        said |= {"PhysicalSizeY": 0.1, "Channel": {"Name": list(ROLES)}}
        data = pixels().astype("float32") if name == "float" else pixels("uint16")
        tifffile.imwrite(paths[-1], data, metadata=said, photometric="minisblack", **options)
    return paths


def _tiff(folder: Path) -> list[Path]:
    paths = []
    for name, data, options in (
        ("imagej", pixels("uint16", (2, 4)), {"imagej": True, "metadata": {"axes": "ZCYX"}}),
        ("shaped", pixels(), {"photometric": "minisblack"}),
        ("big", pixels("uint16"), {"bigtiff": True, "photometric": "minisblack"}),
        ("rgb", np.moveaxis(pixels("uint8", (3,)), 0, -1), {"photometric": "rgb"}),
        ("jpeg", pixels(), {"compression": "jpeg", "photometric": "minisblack"}),
        ("inverted", pixels("uint8", ()), {"photometric": "miniswhite"}),
        ("motorola", pixels("uint16"), {"byteorder": ">", "photometric": "minisblack"}),
    ):
        paths.append(folder / f"{name}.tif")
        if name == "imagej":
            options["resolution"] = (12.5, 12.5)
            options["metadata"] |= {"unit": "um", "spacing": 0.3, "Labels": ["a", "b"] * 4}
        tifffile.imwrite(paths[-1], data, **options)
    packed = folder / "packed.tif.gz"
    packed.write_bytes(gzip.compress(paths[1].read_bytes(), mtime=0))
    return [*paths, packed]


def _sets(folder: Path) -> list[Path]:
    paths = []
    for ending in ("png", "jpg", "tif"):
        home = folder / ending
        home.mkdir()
        for plane, color in zip(pixels(), ("red", "green", "blue", "yellow"), strict=True):
            path = home / f"f_{color}.{ending}"
            if ending == "tif":
                tifffile.imwrite(path, plane)
            else:
                encode = imagecodecs.png_encode if ending == "png" else imagecodecs.jpeg_encode
                path.write_bytes(encode(plane))
        paths.append(home)
    return paths


def _zarr(folder: Path) -> list[Path]:
    import zarr

    paths = []
    for version in (2, 3):
        path = folder / f"v{version}.zarr"
        group = zarr.open_group(path, mode="w", zarr_format=version)
        array = group.create_array("0", shape=(4, *SHAPE), chunks=(1, 16, 40), dtype="uint16")
        array[...] = pixels("uint16")
        axes = [{"name": a, "type": "channel" if a == "c" else "space"} for a in "cyx"]
        scale = [{"type": "scale", "scale": [1, 0.1, 0.1]}]
        image = {"version": "0.4", "name": "f", "axes": axes}
        image["datasets"] = [{"path": "0", "coordinateTransformations": scale}]
        labels = [{"label": role, "color": "00FF00"} for role in ROLES]
        said = {"multiscales": [image], "omero": {"channels": labels}}
        group.attrs.update({"ome": {"version": "0.5", **said}} if version == 3 else said)
        paths.append(path)
    return paths


def _masks(folder: Path) -> list[Path]:
    mask = np.zeros((4, *SHAPE), np.uint8)
    mask[:, 4:9, 6:20] = 255
    tifffile.imwrite(folder / "m.tif", mask, photometric="minisblack")
    tifffile.imwrite(folder / "bits.tif", mask[0] > 0, photometric="minisblack")
    (folder / "m.png").write_bytes(imagecodecs.png_encode(mask[0]))
    np.save(folder / "m.npy", mask > 0)
    return [folder / name for name in ("m.tif", "bits.tif", "m.png", "m.npy")]


def _labels(folder: Path) -> list[Path]:
    labels = np.zeros(SHAPE, np.uint16)
    labels[2:9, 3:12], labels[12:20, 14:30] = 1, 2
    tifffile.imwrite(folder / "l.tif", labels)
    (folder / "l.png").write_bytes(imagecodecs.png_encode(labels.astype(np.uint8)))
    np.save(folder / "l.npy", labels)
    return [folder / name for name in ("l.tif", "l.png", "l.npy")]


def _read_given(reader: Callable[[Path], Any], fitted: str) -> Callable[[Path], None]:
    def call(path: Path) -> None:
        given = reader(path)
        values = np.asarray(getattr(given, fitted)(_stack()))
        if values.shape not in ((4, *SHAPE), SHAPE) or values.dtype.kind not in "buif":
            raise NotRight(f"{values.dtype} of {values.shape}")

    return call


@cache
def _shipped() -> Path:
    from napari_dualgland.model import weights

    return Path(weights.__file__).parents[1] / "weights"


def _model(folder: Path) -> list[Path]:
    home = folder / "model"
    home.mkdir()
    for ending in ("json", "safetensors"):
        shutil.copyfile(_shipped() / f"generator.{ending}", home / f"generator.{ending}")
    return [home]


def _digests(tensors: dict[str, Any]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].float().numpy().tobytes())
    return total.hexdigest()


@cache
def _shipped_digest() -> str:
    from safetensors.torch import load_file

    return _digests(load_file(_shipped() / "generator.safetensors"))


def _read_model(home: Path) -> None:
    import torch

    from napari_dualgland.model.filler import load_filler

    filler: Any = load_filler(str(home / "generator.safetensors"), torch.device("cpu"))
    tensors = filler.network.state_dict()
    if not all(bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise NotRight("weights that are not finite")
    if _digests(tensors) != _shipped_digest():
        raise NotRight("other weights than those of the card")


def _read_signed(home: Path) -> None:
    """Read weights whose card gives their hash, as an exported model of anybody's does."""
    import torch

    from napari_dualgland.model.filler import load_filler

    card = json.loads((_shipped() / "generator.json").read_text())
    weights = home / "generator.safetensors"
    card["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    (home / "generator.json").write_text(json.dumps(card))
    filler: Any = load_filler(str(weights), torch.device("cpu"))
    if not all(bool(torch.isfinite(t).all()) for t in filler.network.state_dict().values()):
        raise NotRight("weights that are not finite")


def _set_points(folder: Path) -> list[Path]:
    shutil.copyfile(_shipped() / "set_points.csv", folder / "set_points.csv")
    return [folder / "set_points.csv"]


def _read_set_points(path: Path) -> None:
    from napari_dualgland.model.set_points import read_set_points

    table = read_set_points.__wrapped__(path)  # every damaged file has the same path
    for place in table.locations:
        values = table.locations[place]
        if not (np.isfinite(values.theta).all() and np.isfinite(values.tau).all()):
            raise NotRight(f"{place}: not finite")


def _jobs(folder: Path) -> list[Path]:
    from napari_dualgland.jobs import FileInput, ImputeJob, LocalizeJob, MaskFile

    read_from = FileInput(path=Path("f.tif"), channels={"nucleus": 2, "er": "ER"})
    impute = ImputeJob(input=read_from, missing=MaskFile(path=Path("m.tif")))
    paths = []
    for name, job in (("impute", impute), ("localize", LocalizeJob(input=read_from))):
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(job.portable()))
    return paths


def _read_job(path: Path) -> None:
    from napari_dualgland.jobs import load_job

    job = load_job(path)
    json.dumps(job.portable(), allow_nan=False)


def _recipes(folder: Path) -> list[Path]:
    paths = []
    for path in sorted((Path(__file__).parents[2] / "training" / "recipes").glob("*.yaml")):
        paths.append(folder / path.name)
        shutil.copyfile(path, paths[-1])
    return paths


def _read_recipe(path: Path) -> None:
    from dualgland_training.runs import read_run

    odd = [value for value in _numbers(read_run(path).model_dump()) if not math.isfinite(value)]
    if odd:
        raise NotRight(f"a recipe with {odd[0]}")


def _numbers(told: Any) -> Iterator[float]:
    if isinstance(told, dict | list | tuple):
        for item in told.values() if isinstance(told, dict) else told:
            yield from _numbers(item)
    elif isinstance(told, int | float):
        yield float(told)


def _checkpoints(folder: Path) -> list[Path]:
    import torch

    from dualgland_training.trainer.checkpoint import save_checkpoint

    run = folder / "run"
    run.mkdir()
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 5)
    optimiser = torch.optim.Adam(network.parameters())
    save_checkpoint(run, 4, {"g": network}, network, {"g": optimiser}, {}, {"config": {}})
    return [run]


def _read_checkpoint(run: Path) -> None:
    import torch

    from dualgland_training.trainer.checkpoint import averaged_weights

    torch.manual_seed(0)
    truth = torch.nn.Linear(3, 5).state_dict()
    tensors = averaged_weights(run)
    if {*tensors} != {*truth} or any(not torch.equal(tensors[k], truth[k]) for k in truth):
        raise NotRight("a checkpoint with other bytes was taken")


def _table(folder: Path) -> list[Path]:
    columns = ("Gene", "Gene name", "Reliability", "Main location", "Additional location")
    columns += ("Extracellular location", "Enhanced", "Supported", "Approved", "Uncertain")
    lines = ["\t".join(columns)]
    lines += [f"ENSG{i:011d}\tG{i}\tApproved\tNucleoli;Cytosol" + "\t" * 6 for i in range(20)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("t.tsv", (2020, 1, 1, 0, 0, 0)), "\n".join(lines))
    (folder / "t.zip").write_bytes(packed.getvalue())
    return [folder / "t.zip"]


def _read_table(path: Path) -> None:
    from napari_dualgland.io.atlas.table import read_table

    read_table(path)


GENE = """<?xml version="1.0" encoding="UTF-8"?><proteinAtlas><entry version="24.0">
<name>TP53</name><identifier id="ENSG00000141510" db="Ensembl" version="109"/>
<antibody id="HPA051244">
<cellExpression source="HPA" technology="ICC/IF"><subAssay type="human"><data>
<cellLine>U-2 OS</cellLine><location>Nucleoplasm</location><assayImage><image>
<imageUrl>http://images.proteinatlas.org/51244/1189_A1_1_blue_red_green.jpg</imageUrl>
</image></assayImage></data></subAssay></cellExpression></antibody></entry></proteinAtlas>"""


def _gene(folder: Path) -> list[Path]:
    (folder / "g.xml").write_text(GENE)
    (folder / "g.xml.gz").write_bytes(gzip.compress(GENE.encode(), mtime=0))
    return [folder / "g.xml", folder / "g.xml.gz"]


def _read_gene(path: Path) -> None:
    from napari_dualgland.io.atlas.gene_xml import read_fields

    list(read_fields(path, "24"))


def _downloads(folder: Path) -> list[Path]:
    plane = np.kron(pixels()[0], np.ones((2, 2), np.uint8))
    (folder / "f_blue.jpg").write_bytes(imagecodecs.jpeg_encode(plane))
    tifffile.imwrite(folder / "raw.tif", plane.astype(np.uint16))
    raw = (folder / "raw.tif").read_bytes()
    (folder / "f_blue.tif.gz").write_bytes(gzip.compress(raw, mtime=0))
    return [folder / "f_blue.jpg", folder / "f_blue.tif.gz"]


def _check_download(path: Path) -> None:
    from napari_dualgland.io.atlas.file_checks import check_jpeg, check_tiff

    (check_jpeg if path.suffix == ".jpg" else check_tiff)(path)


READERS = {
    "OME-TIFF": Reader(_ome, _read_and_write),
    "TIFF": Reader(_tiff, _read_and_write),
    "HPA set": Reader(_sets, _read_and_write),
    "OME-Zarr": Reader(_zarr, _read_and_write),
    "mask": Reader(_masks, _read_given(read_mask, "fitted")),
    "labels": Reader(_labels, _read_given(read_labels, "labels")),
    "model": Reader(_model, _read_model),
    "model, hash renewed": Reader(_model, _read_signed),
    "set points": Reader(_set_points, _read_set_points),
    "job": Reader(_jobs, _read_job),
    "recipe": Reader(_recipes, _read_recipe),
    "checkpoint": Reader(_checkpoints, _read_checkpoint),
    "atlas table": Reader(_table, _read_table),
    "atlas gene page": Reader(_gene, _read_gene),
    "atlas download": Reader(_downloads, _check_download),
}
