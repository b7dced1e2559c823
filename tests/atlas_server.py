"""A small atlas on this machine: pages, tables and images of the documented form.

It serves what :class:`AtlasServer` is given, and misbehaves where it is told to: each act in
``server.acts[path]`` answers one request to that path, in turn, before the server behaves.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import imagecodecs
import numpy as np
import tifffile

from napari_dualgland.io.atlas import Addresses, Fetcher, RequestPolicy

COLORS = ("red", "green", "blue", "yellow")
Act = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Answers with a page, or does what the next act says."""

    protocol_version = "HTTP/1.1"
    server: AtlasServer

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        content = self.server.pages.get(self.path)
        acts = self.server.acts[self.path]
        if acts:
            acts.pop(0)(self, content or b"")
        elif content is None:
            self.say(404, b"<html>gone</html>")
        else:
            self.serve(content)

    def serve(self, content: bytes, etag: str | None = '"one"') -> None:
        """Send a file, or the part that is asked for if it has not changed since."""
        wanted = self.headers.get("Range")
        tag = {"ETag": etag} if etag else {}
        if wanted is None or self.headers.get("If-Range", etag) != etag:
            self.say(200, content, **tag)
            return
        first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self.say(206, content[first:], **tag, **{"Content-Range": span})

    def say(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


class AtlasServer(ThreadingHTTPServer):
    """Pages by path, misbehaviour by path, and what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.renew()

    def renew(self) -> None:
        """Hold a few genes, behave, and remember nothing."""
        self.pages = dict(stock())
        self.acts: defaultdict[str, list[Act]] = defaultdict(list)
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    @property
    def addresses(self) -> Addresses:
        site, images = f"{self.url}/v{{release}}", f"{self.url}/images"
        return Addresses(site=site, images=images, may_lead_to=())

    def handle_error(self, *_words: object) -> None:
        """A client that goes away is what some tests want."""


@contextlib.contextmanager
def running() -> Iterator[AtlasServer]:
    """Run a server with a few genes."""
    with AtlasServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


# What the small atlas holds.

GENES = {
    ("TP53", "ENSG00000141510"): [
        ("HPA051244", "U-251MG", ["nucleoplasm"], ["51244/1234_A1_1_blue_red_green.jpg"]),
        ("HPA051244", "U2OS", ["nucleoli", "cytosol"], ["51244/1235_A1_2_red_green.jpg"]),
    ],
    ("NCL", "ENSG00000115053"): [
        ("HPA023981", "U2OS", ["nucleoli"], ["23981/77_C12_3_cr57f3ed192abcf_blue_red_green.jpg"]),
        ("HPA023981", "A-431", ["nucleoli"], ["23981/78_C12_5_selected.jpg"]),
    ],
}


def entry(name: str, ensg: str, rows: list[tuple], version: str = "24.0") -> str:
    """Return a gene's entry as the atlas writes it, tissue images among it."""
    antibodies = "".join(
        f'<antibody id="{antibody}" releaseDate="2012-09-12">'
        '<tissueExpression technology="IHC"><data><assayImage><image><imageUrl>'
        "http://images.proteinatlas.org/1/100007_A_1_8.jpg</imageUrl></image></assayImage></data>"
        '</tissueExpression><cellExpression source="HPA" technology="IF/ICC">'
        '<subAssay type="human" subtype="human cell lines"><data>'
        f"<cellLine>{cells}</cellLine>"
        + "".join(f'<location GOId="GO:0005730">{place}</location>' for place in places)
        + "<assayImage>"
        + "".join(
            '<image imageType="selected"><channel color="blue">nucleus</channel>'
            f"<imageUrl>http://images.proteinatlas.org/{url}</imageUrl></image>"
            for url in urls
        )
        + "</assayImage></data></subAssay></cellExpression></antibody>"
        for antibody, cells, places, urls in rows
    )
    return (
        f'<entry version="{version}" url="http://v24.proteinatlas.org/{ensg}"><name>{name}</name>'
        f'<identifier id="{ensg}" db="Ensembl" version="109"/>{antibodies}</entry>'
    )


def page(*entries: str, before: str = "") -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>{before}<proteinAtlas schemaVersion="2.6">'
    return (head + "".join(entries) + "</proteinAtlas>").encode()


def table(text: str) -> bytes:
    """Return the zipped table of locations."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("subcellular_location.tsv", text)
        return file.getvalue()


TABLE = (
    "Gene\tGene name\tReliability\tMain location\tAdditional location\tExtracellular location\n"
    "ENSG00000141510\tTP53\tSupported\tNucleoplasm\tNucleoli;Cytosol\t\n"
    "ENSG00000115053\tNCL\tEnhanced\tNucleoli\t\t\n"
    "ENSG00000000003\tTSPAN6\tApproved\tCell Junctions;Cytosol\t\t\n"
)


def channel(seed: int, side: int = 48, dtype: str = "uint8") -> np.ndarray:
    top = np.iinfo(dtype).max // 2
    ramp = np.linspace(0, top, side)[:, None] + np.random.default_rng(seed).integers(0, 9, side)
    return ramp.astype(dtype)


def jpeg(seed: int = 0, side: int = 48) -> bytes:
    return bytes(imagecodecs.jpeg_encode(channel(seed, side), level=90))


def tiff(seed: int = 0, dtype: str = "uint16") -> bytes:
    with io.BytesIO() as file:
        tifffile.imwrite(file, channel(seed, dtype=dtype))
        return gzip.compress(file.getvalue(), mtime=0)


@cache
def stock() -> dict[str, bytes]:
    """Return what there is of a few genes, by path."""
    entries = [entry(*names, rows) for names, rows in GENES.items()]
    pages = {f"/v24/{ensg}.xml": page(one) for (_, ensg), one in zip(GENES, entries, strict=True)}
    pages["/v24/download/proteinatlas.xml.gz"] = gzip.compress(page(*entries))
    pages["/v24/download/tsv/subcellular_location.tsv.zip"] = table(TABLE)
    for field in ("51244/1234_A1_1", "51244/1235_A1_2", "23981/77_C12_3_cr57f3ed192abcf",
                  "23981/78_C12_5"):  # fmt: skip
        for seed, color in enumerate(COLORS):
            pages[f"/images/{field}_{color}.jpg"] = jpeg(seed)
    for seed, color in enumerate(COLORS):
        pages[f"/images/51244/1234_A1_1_{color}.tif.gz"] = tiff(seed)
    return pages


class FakeTime:
    """A clock that stands still, but for what is slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)

    def clock(self) -> float:
        return self.now


def fetcher_for(server: AtlasServer, cache, fake: FakeTime | None = None, **policy) -> Fetcher:
    """Return a fetcher that knows the server and never really waits between attempts."""
    fake = fake or FakeTime()
    known = {"attempts": 3, "timeout": 5.0, **policy}
    return Fetcher(
        server.addresses, RequestPolicy(**known), cache, sleep=fake.sleep, clock=fake.clock
    )


# Ways to misbehave.


def status(code: int, **headers: str) -> Act:
    return lambda handler, _content: handler.say(code, b"", **headers)


def web_page(handler: Handler, _content: bytes) -> None:
    handler.say(200, b"<!DOCTYPE html><html><body>Down for maintenance</body></html>")


def cut(share: float = 0.5, etag: str | None = '"one"', older: bytes = b"") -> Act:
    """Announce the whole and break off in the middle, of an older file if there is one."""

    def act(handler: Handler, content: bytes) -> None:
        content = older or content
        tag = {"ETag": etag} if etag else {}
        handler.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **tag}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[: int(len(content) * share)])
        handler.close_connection = True

    return act


def unannounced(content: bytes, *, limit: int = 2**26) -> Act:
    """Send without saying how much, over and over, until the client hangs up."""

    def act(handler: Handler, _content: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        sent = 0
        with contextlib.suppress(OSError):
            while sent < limit:
                handler.wfile.write(content)
                sent += len(content)
        handler.close_connection = True

    return act


def silent(seconds: float) -> Act:
    def act(handler: Handler, content: bytes) -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            handler.serve(content)
        handler.close_connection = True

    return act


def trickle(handler: Handler, content: bytes) -> None:
    """A few bytes at a time: never silent, never done."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    with contextlib.suppress(OSError):
        for i in range(0, len(content), 8):
            handler.wfile.write(content[i : i + 8])
            handler.wfile.flush()
            time.sleep(0.01)
    handler.close_connection = True
