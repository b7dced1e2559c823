"""The table of set points: whole, sensible, combined for several places, refused when odd."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_dualgland.classes import LOCATIONS
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.compartments import COMPARTMENTS
from napari_dualgland.model.set_points import ANY, SHIPPED, read_set_points
from napari_dualgland.stack import ROLES

NUCLEUS, CYTOPLASM, EDGE = (COMPARTMENTS.index(k) for k in ("nucleus", "cytoplasm", "cell edge"))
PROTEIN = ROLES.index("protein")


def test_shipped_table_knows_what_a_biologist_knows() -> None:
    table = read_set_points()
    protein = {place: point.theta[PROTEIN] for place, point in table.locations.items()}
    assert set(protein) - {ANY} <= set(LOCATIONS)
    assert protein["Nucleoplasm"][NUCLEUS] > protein["Nucleoplasm"][CYTOPLASM] + 1
    assert protein["Cytosol"][CYTOPLASM] > protein["Cytosol"][NUCLEUS]
    assert protein["Plasma membrane"][EDGE] == max(t[EDGE] for t in protein.values())
    dapi = table.locations[ANY].theta[ROLES.index("nucleus")]
    assert dapi[NUCLEUS] == dapi.max()


def test_several_places_widen_what_is_expected() -> None:
    table = read_set_points()
    one, other = table.locations["Nucleoplasm"], table.locations["Cytosol"]
    both = table.expected(["Nucleoplasm", "Cytosol", "Rods & rings"])
    np.testing.assert_allclose(both.theta, (one.theta + other.theta) / 2)
    between = ((one.theta - other.theta) / 2) ** 2
    np.testing.assert_allclose(both.tau**2, (one.tau**2 + other.tau**2) / 2 + between)
    assert both.cells == min(one.cells, other.cells)


def test_unknown_places_are_expected_to_be_as_any_cell() -> None:
    table = read_set_points()
    assert table.expected(["Lipid droplets"]).cells == table.locations[ANY].cells


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1,any,", "2,any,", Kind.UNSUPPORTED),
        ("theta", "mean", Kind.WRONG_CONTENT),
        ("1,any,er,background", "1,any,er,void", Kind.DAMAGED),
        ("1,any,er,background", "1,any,er,nucleus", Kind.DAMAGED),
        ("1,any,er,background", "1,any,er", Kind.DAMAGED),
        ("background,-2.3367", "background,inf", Kind.DAMAGED),
    ],
)
def test_odd_tables_are_refused_in_one_line(tmp_path: Path, old: str, new: str, kind: Kind) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(SHIPPED.read_text().replace(old, new))
    assert path.read_text() != SHIPPED.read_text()
    with pytest.raises(DualglandError) as caught:
        read_set_points(path)
    assert (caught.value.kind, caught.value.place) == (kind, str(path))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DualglandError) as caught:
        read_set_points(tmp_path / "none.csv")
    assert caught.value.kind == Kind.NOT_THERE
