"""Whatever is typed, exit code 1 is left for bugs: no option of any value leads to it."""

from __future__ import annotations

import errno
import json
import lzma
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import requests
import tifffile
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import UnidentifiedImageError
from safetensors import SafetensorError
from urllib3.exceptions import MaxRetryError
from zarr.errors import MetadataValidationError

from napari_dualgland.cli import main
from napari_dualgland.cli.console import guarded

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("", "-", "--", "~nosuchuserhere/x", "~", ".", "/", "/dev/null", "a\0b", "\udce9"),
            *("nan", "inf", "-inf", "1e400", "-1", "0", "1", "²", "٣", "9" * 5000, "1_0", "0x10"),
            *("auto", "prior", "cpu", "cuda", "cuda:99", "fp32", "bf16", "[/b]"),
            *("nucleus=0", "nucleus=#0,er=1", 'nucleus="', "nucleus=²", "x" * 300, "\x1b[2J"),
        ]
    ),
)
IMPUTE = ("--missing", "--channels", "--seed", "--model", "--device", "--precision", "--tile")
IMPUTE += ("--samples", "--out", "--plausible", "--no-adapt")
LOCALIZE = ("--missing", "--channels", "--cells", "--threshold", "--nucleus-um", "--smallest-um2")
LOCALIZE += ("--model", "--device", "--out", "--impute-first")
OTHERS = ("--gene", "--ensg", "--antibody", "--cell-line", "--location", "--limit", "--rate")
OTHERS += ("--release", "--dry-run", "--resume", "--cells", "--data", "--out", "--ablation")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a field in it, which also is where commands run."""
    there = tmp_path_factory.mktemp("typed")
    pixels = np.random.default_rng(0).integers(1, 250, (4, 64, 64), np.uint8)
    names = ["tubulin", "antibody", "DAPI", "ER"]
    metadata = {"axes": "CYX", "Channel": {"Name": names}}
    tifffile.imwrite(there / "a.ome.tif", pixels, photometric="minisblack", metadata=metadata)
    return there


def code_of(words: list[str]) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("verb", "options", "others"),
    [
        ("impute", IMPUTE, ("--out", "o.ome.tif", "--model", "prior", "--no-rehearse")),
        # Without a device, for a localizer takes its time.
        ("localize", LOCALIZE, ("--out", "o", "--device", "cuda:99")),
    ],
    ids=["impute", "localize"],
)
def test_no_option_of_a_verb_leads_to_a_bug(folder, capsys, monkeypatch, verb, options, others):
    monkeypatch.chdir(folder)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.sampled_from(options), TEXTS), min_size=1, max_size=3))
    def typed(given_options):
        words = [word for option, value in given_options for word in (option, value)]
        known = others[2:] if "--out" in words else others
        capsys.readouterr()
        code = code_of([verb, "a.ome.tif", *known, *words])
        said = capsys.readouterr()
        assert code in (0, 2), said.err
        assert len(said.err.splitlines()) == (code == 2)
        assert "\x1b" not in said.err + said.out

    typed()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["download", "models", "run", "evaluate", "nothing", ""]),
    st.lists(st.tuples(st.sampled_from(OTHERS), TEXTS), max_size=3),
)
def test_no_word_of_another_verb_leads_to_a_bug(folder, monkeypatch, verb, options):
    monkeypatch.chdir(folder)
    words = [word for option, value in options for word in (option, value)]
    # Two outputs: so that what is sound starts nothing.
    assert code_of([verb, *words, "--out", "a", "--out", "b", "--json"]) in (0, 2)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "too-large"),
        (np.exceptions.AxisError("x"), None),
        (np._core._exceptions._ArrayMemoryError((10**9, 10**9), np.dtype("f8")), "too-large"),
        (torch.OutOfMemoryError("CUDA out of memory"), "too-large"),
        (yaml.YAMLError("x"), "damaged"),
        (zlib.error("x"), "damaged"),
        (lzma.LZMAError("x"), "damaged"),
        (zipfile.BadZipFile("x"), "damaged"),
        (tifffile.TiffFileError("x"), "damaged"),
        (UnidentifiedImageError("x"), "damaged"),
        (SafetensorError("x"), "damaged"),
        (MetadataValidationError("x"), "damaged"),
        (requests.ConnectionError("x"), "network"),
        (MaxRetryError(None, "x"), "network"),
        (OSError(errno.ENOSPC, "full", "f"), "no-space"),
        (FileNotFoundError(errno.ENOENT, "none", "f"), "not-there"),
        (PermissionError(errno.EACCES, "no", "f"), "unreadable"),
        (TimeoutError(errno.ETIMEDOUT, "late"), "timeout"),
        (UnicodeEncodeError("utf-8", "r\udce9", 1, 2, "surrogates not allowed"), "bad-value"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range(128)"), None),
        (AttributeError("x"), None),
        (TypeError("x"), None),
        (ValueError("x"), None),
        (KeyError("x"), None),
        (IndexError("x"), None),
        (OverflowError("x"), None),
        (RecursionError("x"), None),
        (RuntimeError("x"), None),
        (AssertionError("x"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_exceptions_of_libraries_are_refusals_and_all_others_bugs(capsys, error, kind):
    def fail():
        raise error

    code = guarded(fail, as_json=True, debug=False)
    told = json.loads(capsys.readouterr().out)
    assert code == told["exit_code"] == (1 if kind is None else 2)
    assert told.get("kind") == kind
    assert kind is None or told["place"]
