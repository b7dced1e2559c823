"""What a layer carries: shared by duplicates, kept by nothing else, and no other's data."""

from __future__ import annotations

import copy
import gc
import weakref
from types import SimpleNamespace

from napari_dualgland.io.carried import Carried, carried_by, carry


def test_a_record_is_shared_by_duplicates_and_goes_with_the_last_layer():
    layer = SimpleNamespace(metadata={"theirs": 1})
    carry(layer, record := Carried())
    other = SimpleNamespace(metadata=copy.deepcopy(layer.metadata))
    assert carried_by(layer) is carried_by(other) is record
    assert layer.metadata["theirs"] == 1
    known = weakref.ref(record)
    del record, layer
    assert known() is not None
    del other
    gc.collect()
    assert known() is None


def test_what_others_put_there_is_no_record():
    assert carried_by(SimpleNamespace(metadata={})) is None
    assert carried_by(SimpleNamespace(metadata={"dualgland_found": "something"})) is None
