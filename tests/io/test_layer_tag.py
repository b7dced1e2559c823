"""What a layer says of itself survives napari, and what others wrote there breaks nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_dualgland.io.layer_tag import LayerTag, channel_names, metadata_of, set_tag, tag_of
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Header

TAG = LayerTag(
    kind="imputed",
    role="er",
    sources=("a", "b"),
    plane={"T": 0, "Z": 2},
    header=Header(ome_xml="<OME/>", imagej={"min": "0"}),
    provenance=Provenance.unknown(),
)


def said(metadata):
    return tag_of(SimpleNamespace(metadata=metadata))


def test_it_goes_through_napari_and_back():
    layers = pytest.importorskip("napari.layers")
    layer = layers.Image(np.zeros((4, 4)), metadata={"mine": 1, **metadata_of(TAG)})
    assert tag_of(layers.Layer.create(*layer.as_layer_data_tuple())) == TAG
    set_tag(layer, LayerTag())
    assert tag_of(layer) == LayerTag()
    assert layer.metadata["mine"] == 1


def test_a_plain_dict_is_read_as_far_as_it_makes_sense():
    plain = TAG.model_dump(mode="json")
    assert said({"dualgland": plain}) == TAG
    broken = {**plain, "role": "no role", "sources": 7, "provenance": {"model": 1}, "odd": {}}
    assert said({"dualgland": broken}) == TAG.model_copy(
        update={"role": None, "sources": (), "provenance": None}
    )


@pytest.mark.parametrize("value", [None, 3, "text", ["role"], {}, {"kind": []}, {3: 4}])
def test_what_is_no_record_says_nothing(value):
    assert said({"dualgland": value}) == LayerTag()


@pytest.mark.parametrize(
    ("names", "read"), [(None, []), ([], []), (3, []), (np.array(["DAPI", 2]), ["DAPI", "2"])]
)
def test_names_of_channels_may_be_anything(names, read):
    assert list(channel_names(SimpleNamespace(metadata={"channel_names": names}))) == read
