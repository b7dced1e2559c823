"""PNG and JPEG: what they claim is asked before they are decoded; numbers of labels stay."""

from __future__ import annotations

import io
import os
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.masks import read_labels, read_mask
from napari_dualgland.io.picture_header import checked_header
from napari_dualgland.io.pictures import one_channel, read_picture

RNG = np.random.default_rng(0)
LABELS = np.zeros((40, 51), np.uint8)
LABELS[5:15, 5:15], LABELS[20:30, 5:25], LABELS[20:35, 30:45] = 1, 2, 3
MASK = (LABELS > 0).astype(np.uint8)
GREY, PALETTE = 0, 3
PALETTES = {
    "colours": RNG.integers(0, 256, 48, np.uint8).tobytes(),
    "grey": np.repeat(np.arange(16) * 16, 3).astype(np.uint8).tobytes(),
    "white first": np.repeat(255 - np.arange(16) * 16, 3).astype(np.uint8).tobytes(),
}


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(width, height, bits, colour, rows=bytes(100), more=b"", interlaced=0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    body = chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def packed(numbers: np.ndarray, bits: int) -> bytes:
    rows = np.unpackbits(numbers[..., None], axis=-1)[..., 8 - bits :]
    return b"".join(b"\0" + np.packbits(row).tobytes() for row in rows.reshape(len(numbers), -1))


def of_bits(numbers, bits, colour, more=b"") -> bytes:
    return png(numbers.shape[1], len(numbers), bits, colour, packed(numbers, bits), more)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("clear", [b"", chunk(b"tRNS", b"\0\1")], ids=["opaque", "clear"])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_labels_of_few_bits_keep_their_numbers(reader, clear, bits, tmp_path):
    (tmp_path / "l.png").write_bytes(of_bits(LABELS, bits, GREY, clear))
    np.testing.assert_array_equal(reader(tmp_path / "l.png"), LABELS)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("clear", [b"", chunk(b"tRNS", b"\0\xff")], ids=["opaque", "clear"])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("palette", PALETTES)
def test_labels_with_a_palette_keep_their_numbers(reader, clear, bits, palette, tmp_path):
    table = chunk(b"PLTE", PALETTES[palette][: 3 * 2**bits])
    (tmp_path / "l.png").write_bytes(of_bits(LABELS, bits, PALETTE, table + clear))
    np.testing.assert_array_equal(reader(tmp_path / "l.png"), LABELS)


@pytest.mark.parametrize("colour", [GREY, PALETTE])
def test_a_mask_of_one_bit(colour, tmp_path):
    table = chunk(b"PLTE", PALETTES["grey"][:6]) if colour == PALETTE else b""
    (tmp_path / "m.png").write_bytes(of_bits(MASK, 1, colour, table))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), MASK)
    assert np.unique(read_labels(tmp_path / "m.png")).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("extra", [None, "alpha", "rgb", "rgba", "red"])
def test_labels_of_sixteen_bits(extra, tmp_path):
    labels = LABELS.astype(np.uint16) * 20000
    clear, none = np.full_like(labels, 65535), np.zeros_like(labels)
    layout = {
        None: labels,
        "alpha": np.stack([labels, clear], -1),
        "rgb": np.stack([labels] * 3, -1),
        "rgba": np.stack([labels] * 3 + [clear], -1),
        "red": np.stack([labels, none, none], -1),
    }
    (tmp_path / "l.png").write_bytes(imagecodecs.png_encode(layout[extra]))
    np.testing.assert_array_equal(read_labels(tmp_path / "l.png"), labels)


ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]


@pytest.mark.parametrize("colour", [GREY, PALETTE])
def test_an_interlaced_picture(colour, tmp_path):
    table = chunk(b"PLTE", PALETTES["colours"]) if colour == PALETTE else b""
    rows = b"".join(packed(LABELS[y::down, x::right], 4) for y, x, down, right in ADAM7)
    encoded = png(LABELS.shape[1], len(LABELS), 4, colour, rows, table, interlaced=1)
    (tmp_path / "l.png").write_bytes(encoded)
    np.testing.assert_array_equal(read_mask(tmp_path / "l.png"), LABELS)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("what", ["colours", "transparent", "jpeg"])
def test_pictures_that_are_no_labels(reader, what, tmp_path):
    path = tmp_path / "l.png"
    if what == "jpeg":
        path.write_bytes(imagecodecs.jpeg_encode(LABELS * 80))
    elif what == "colours":
        path.write_bytes(imagecodecs.png_encode(np.stack([LABELS, LABELS * 2, LABELS], -1)))
    else:
        marks = np.zeros((*LABELS.shape, 4), np.uint8)
        marks[..., 3] = LABELS * 80
        path.write_bytes(imagecodecs.png_encode(marks))
    with pytest.raises(DualglandError) as error:
        reader(path)
    assert (error.value.kind, error.value.place) == (Kind.WRONG_CONTENT, str(path))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_of_a_picture_the_colours_count(bits, tmp_path):
    numbers = LABELS % 2**bits
    top = 2**bits - 1
    (tmp_path / "grey.png").write_bytes(of_bits(numbers, bits, GREY))
    np.testing.assert_array_equal(read_picture(tmp_path / "grey.png").data, numbers * (255 // top))
    table = chunk(b"PLTE", PALETTES["white first"][: 3 * 2**bits])
    (tmp_path / "palette.png").write_bytes(of_bits(numbers, bits, PALETTE, table))
    single = one_channel(read_picture(tmp_path / "palette.png"))
    np.testing.assert_array_equal(single.data, 255 - 16 * numbers)


# --- what is claimed ------------------------------------------------------------------------


def jpeg_claiming(side: int, colour: bool) -> bytes:
    picture = RNG.integers(0, 255, (48, 64, 3) if colour else (48, 64), np.uint8)
    encoded = bytearray(imagecodecs.jpeg_encode(picture))
    at = encoded.find(b"\xff\xc0")
    encoded[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(encoded)


CLAIMS = {
    "png of 16 GB": (png(46000, 46000, 16, 6), Kind.TOO_LARGE),
    "png of 2^62 pixels": (png(2**31 - 1, 2**31 - 1, 8, 0), Kind.TOO_LARGE),
    "png with a palette": (png(10**6, 10**6, 1, 3), Kind.TOO_LARGE),
    "png of more than its bytes": (png(9000, 9000, 8, 0), Kind.DAMAGED),
    "png without pixels": (png(0, 10, 8, 0), Kind.EMPTY),
    "png of no colour": (png(10, 10, 8, 5), Kind.DAMAGED),
    "png without a header": (b"\x89PNG\r\n\x1a\n" + bytes(50), Kind.DAMAGED),
    "png of 20 bytes": (png(10, 10, 8, 0)[:20], Kind.DAMAGED),
    "grey jpeg of 4 GB": (jpeg_claiming(65500, False), Kind.TOO_LARGE),
    "jpeg of 12 GB": (jpeg_claiming(65500, True), Kind.TOO_LARGE),
    "jpeg of more than its bytes": (jpeg_claiming(12000, False), Kind.DAMAGED),
    "jpeg without pixels": (jpeg_claiming(0, False), Kind.EMPTY),
    "jpeg of 5 bytes": (b"\xff\xd8\xff\xe0\0", Kind.DAMAGED),
    "jpeg without end": (imagecodecs.jpeg_encode(LABELS)[:-2], Kind.DAMAGED),
    "neither": (b"hello" * 20, Kind.WRONG_CONTENT),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_picture_claims_is_asked_first(name, tmp_path):
    content, kind = CLAIMS[name]
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DualglandError) as error:
        read_picture(tmp_path / "a.png")
    assert (error.value.kind, error.value.place) == (kind, str(tmp_path / "a.png"))


@pytest.mark.parametrize("kind", ["png", "jpeg", "progressive", "optimised"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 2000), (1500, 1500), (64, 48, 3)])
def test_honest_pictures_are_believed(kind, shape, tmp_path):
    """Also those of one colour, which are as small as pictures can be."""
    pixels = np.full(shape, 77, np.uint8)
    stream = io.BytesIO()
    options = {"progressive": kind == "progressive", "optimize": kind == "optimised"}
    png_options = {"optimize": True}
    form = "PNG" if kind == "png" else "JPEG"
    Image.fromarray(pixels).save(stream, form, **(png_options if kind == "png" else options))
    header = checked_header(tmp_path, stream.getvalue())
    assert (header.height, header.width) == shape[:2]
    assert header.nbytes == pixels.nbytes


def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DualglandError) as error:
        read_picture(tmp_path / "a.png")
    assert error.value.kind is Kind.NOT_A_FILE
