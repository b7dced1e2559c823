"""TIFFs that no library would write: that lie, go round in circles, or lack their other half."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile

NAMES = ["tubulin", "antibody", "DAPI", "ER"]
PIXELS = np.random.default_rng(0).integers(1, 60000, (4, 24, 32), np.uint16)
UUIDS = [f"urn:uuid:00000000-0000-0000-0000-00000000000{i}" for i in range(4)]


def lying(width: int, height: int, **tags: int) -> bytes:
    """Return a TIFF of some hundred bytes that claims to be of a size.

    Keywords name other tags by ``t`` and their number: ``t277=65535``.
    """
    data = zlib.compress(bytes(1000))
    wanted = {256: width, 257: height, 258: 16, 259: 8, 262: 1, 273: 0, 277: 1, 278: height}
    wanted |= {279: len(data), 339: 1} | {int(name[1:]): value for name, value in tags.items()}
    wanted[273] = 8 + 2 + 12 * len(wanted) + 4
    entries = b"".join(struct.pack("<HHII", t, 4, 1, wanted[t]) for t in sorted(wanted))
    return b"II*\0" + struct.pack("<IH", 8, len(wanted)) + entries + bytes(4) + data


def chain(count: int, last: int = 0) -> bytes:
    """Return a TIFF of so many pages of one pixel; the last points to the offset ``last``."""
    size = 2 + 8 * 12 + 4
    tags = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (278, 1), (279, 1))
    page = struct.pack("<H", 8) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags)
    offsets = [8 + size * i for i in range(1, count)] + [last]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(page + struct.pack("<I", o) for o in offsets)


def ome_xml(planes: str = "<TiffData/>", uuid: str | None = None, **pixels: str) -> str:
    """Return OME-XML of the four channels of :data:`PIXELS`; keywords change ``Pixels``."""
    said = {"DimensionOrder": "XYCZT", "Type": "uint16", "SizeX": "32", "SizeY": "24"}
    said |= {"SizeZ": "1", "SizeC": "4", "SizeT": "1"}
    said |= {"PhysicalSizeX": "0.1", "PhysicalSizeY": "0.1"} | pixels
    attributes = " ".join(f'{key}="{value}"' for key, value in said.items())
    channels = "".join(f'<Channel ID="Channel:0:{i}" Name="{n}"/>' for i, n in enumerate(NAMES))
    own = f' UUID="{uuid}"' if uuid else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"{own}>'
        f'<Image ID="Image:0" Name="field"><Pixels ID="Pixels:0" {attributes}>'
        f"{channels}{planes}</Pixels></Image></OME>"
    )


def plane_in(file: str, uuid: str, channel: int, page: int) -> str:
    """Return where a plane of a set of files is."""
    return (
        f'<TiffData FirstC="{channel}" IFD="{page}" PlaneCount="1">'
        f'<UUID FileName="{file}">{uuid}</UUID></TiffData>'
    )


def write_pages(path: Path, planes, description: str | bytes | None = None) -> Path:
    """Write planes as pages of their own, the first with a description."""
    raw = description.encode() if isinstance(description, str) else description
    with tifffile.TiffWriter(path) as tif:
        for plane in planes:
            tif.write(
                plane, description=raw, metadata=None, photometric="minisblack", contiguous=False
            )
            raw = None
    return path


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Write an OME-TIFF of two files, two channels in each; each describes both."""
    names = ("a.ome.tif", "b.ome.tif")
    planes = "".join(plane_in(names[c // 2], UUIDS[c // 2], c, c % 2) for c in range(4))
    for i, name in enumerate(names):
        write_pages(folder / name, PIXELS[2 * i : 2 * i + 2], ome_xml(planes, UUIDS[i]))
    return folder / names[0], folder / names[1]
