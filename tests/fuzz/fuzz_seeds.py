"""Small sound files of every kind that is read, to be damaged."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from napari_dualgland.io import write
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Channel, Stack

SHAPE = (24, 40)


def pixels(dtype: str = "uint8", lead: tuple[int, ...] = (4,)) -> Any:
    values = np.random.default_rng(3).random((*lead, *SHAPE))
    return (values * np.iinfo(dtype).max).astype(dtype)


def small_stack(dtype: str = "uint8", lead: tuple[int, ...] = (4,), axes: str = "CYX") -> Stack:
    channels = tuple(Channel(f"stain {role}", role) for role in ROLES)
    return Stack(pixels(dtype, lead), axes, channels, PixelSize(0.08, 0.08, 0.3))


def ome_tiffs(folder: Path) -> list[Path]:
    stack = small_stack("uint16")
    missing = np.zeros(stack.shape, bool)
    missing[:, 3:9, 4:12] = True
    result = Imputation.of(stack, missing, np.where(missing, 0.1, 0).astype(np.float32))
    paths = [write(result, folder / "ours.ome.tif")]
    paths.append(write(small_stack("uint8", (2, 3, 4), "TZCYX"), folder / "five.ome.tif"))
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


def plain_tiffs(folder: Path) -> list[Path]:
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


def hpa_sets(folder: Path) -> list[Path]:
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


def ome_zarrs(folder: Path) -> list[Path]:
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


def masks(folder: Path) -> list[Path]:
    mask = np.zeros((4, *SHAPE), np.uint8)
    mask[:, 4:9, 6:20] = 255
    tifffile.imwrite(folder / "m.tif", mask, photometric="minisblack")
    tifffile.imwrite(folder / "bits.tif", mask[0] > 0, photometric="minisblack")
    (folder / "m.png").write_bytes(imagecodecs.png_encode(mask[0]))
    np.save(folder / "m.npy", mask > 0)
    return [folder / name for name in ("m.tif", "bits.tif", "m.png", "m.npy")]


def labels(folder: Path) -> list[Path]:
    labels = np.zeros(SHAPE, np.uint16)
    labels[2:9, 3:12], labels[12:20, 14:30] = 1, 2
    tifffile.imwrite(folder / "l.tif", labels)
    (folder / "l.png").write_bytes(imagecodecs.png_encode(labels.astype(np.uint8)))
    np.save(folder / "l.npy", labels)
    return [folder / name for name in ("l.tif", "l.png", "l.npy")]


@cache
def shipped() -> Path:
    from napari_dualgland.model import weights

    return Path(weights.__file__).parents[1] / "weights"


def models(folder: Path) -> list[Path]:
    home = folder / "model"
    home.mkdir()
    for ending in ("json", "safetensors"):
        shutil.copyfile(shipped() / f"generator.{ending}", home / f"generator.{ending}")
    return [home]


def set_points(folder: Path) -> list[Path]:
    shutil.copyfile(shipped() / "set_points.csv", folder / "set_points.csv")
    return [folder / "set_points.csv"]


def jobs(folder: Path) -> list[Path]:
    from napari_dualgland.jobs import FileInput, ImputeJob, LocalizeJob, MaskFile

    read_from = FileInput(path=Path("f.tif"), channels={"nucleus": 2, "er": "ER"})
    impute = ImputeJob(input=read_from, missing=MaskFile(path=Path("m.tif")))
    paths = []
    for name, job in (("impute", impute), ("localize", LocalizeJob(input=read_from))):
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(job.portable()))
    return paths


def recipes(folder: Path) -> list[Path]:
    paths = []
    for path in sorted((Path(__file__).parents[2] / "training" / "recipes").glob("*.yaml")):
        paths.append(folder / path.name)
        shutil.copyfile(path, paths[-1])
    return paths


def checkpoints(folder: Path) -> list[Path]:
    import torch

    from dualgland_training.trainer.checkpoint import save_checkpoint

    run = folder / "run"
    run.mkdir()
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 5)
    optimiser = torch.optim.Adam(network.parameters())
    save_checkpoint(run, 4, {"g": network}, network, {"g": optimiser}, {}, {"config": {}})
    return [run]


def atlas_tables(folder: Path) -> list[Path]:
    columns = ("Gene", "Gene name", "Reliability", "Main location", "Additional location")
    columns += ("Extracellular location", "Enhanced", "Supported", "Approved", "Uncertain")
    lines = ["\t".join(columns)]
    lines += [f"ENSG{i:011d}\tG{i}\tApproved\tNucleoli;Cytosol" + "\t" * 6 for i in range(20)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("t.tsv", (2020, 1, 1, 0, 0, 0)), "\n".join(lines))
    (folder / "t.zip").write_bytes(packed.getvalue())
    return [folder / "t.zip"]


GENE = """<?xml version="1.0" encoding="UTF-8"?><proteinAtlas><entry version="24.0">
<name>TP53</name><identifier id="ENSG00000141510" db="Ensembl" version="109"/>
<antibody id="HPA051244">
<cellExpression source="HPA" technology="ICC/IF"><subAssay type="human"><data>
<cellLine>U-2 OS</cellLine><location>Nucleoplasm</location><assayImage><image>
<imageUrl>http://images.proteinatlas.org/51244/1189_A1_1_blue_red_green.jpg</imageUrl>
</image></assayImage></data></subAssay></cellExpression></antibody></entry></proteinAtlas>"""


def gene_pages(folder: Path) -> list[Path]:
    (folder / "g.xml").write_text(GENE)
    (folder / "g.xml.gz").write_bytes(gzip.compress(GENE.encode(), mtime=0))
    return [folder / "g.xml", folder / "g.xml.gz"]


def downloads(folder: Path) -> list[Path]:
    plane = np.kron(pixels()[0], np.ones((2, 2), np.uint8))
    (folder / "f_blue.jpg").write_bytes(imagecodecs.jpeg_encode(plane))
    tifffile.imwrite(folder / "raw.tif", plane.astype(np.uint16))
    raw = (folder / "raw.tif").read_bytes()
    (folder / "f_blue.tif.gz").write_bytes(gzip.compress(raw, mtime=0))
    return [folder / "f_blue.jpg", folder / "f_blue.tif.gz"]
