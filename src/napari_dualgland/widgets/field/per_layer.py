"""One layer per channel: which layer plays which role, and which channel was never recorded.

A role without a layer is one of two things, and only a person can say which: nobody has chosen
yet, or the channel was not recorded and is to be estimated whole. What was chosen stays chosen
whatever the layers are called; a guess may add to it and never takes from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from napari_dualgland.io.layer_tag import id_of, tag_of
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.guess import guess_roles
from napari_dualgland.widgets.field.open_fields import LEAST, OpenField
from napari_dualgland.widgets.field.repaired import measured_layer, repaired_layers

_T = TypeVar("_T")


class PerLayer:
    """The choice of a layer for each role.

    Attributes
    ----------
    chosen : dict of str to napari.layers.Image
        By role, as they were measured.
    unrecorded : set of str
        Roles that a person has said were not recorded.
    by_hand : set of str
        Roles that a person has spoken of.
    """

    def __init__(self) -> None:
        self.chosen: dict[str, Any] = {}
        self.unrecorded: set[str] = set()
        self.by_hand: set[str] = set()
        # What a person has picked among repaired layers, in place of what follows by itself.
        self._repaired: dict[str, Any] | None = None
        # What was open when the field was chosen: whatever is not among it has come since.
        self._since: set[str] = set()
        self._left: list[PerLayer] = []

    def shown(self, layers: Sequence[Any], repaired: bool) -> dict[str, Any]:
        """Return the layers by role, or what an imputation made of them.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            What is open.
        repaired : bool
            Whether repaired layers are looked at.

        Returns
        -------
        dict of str to napari.layers.Image
        """
        if repaired and self._repaired is None:
            return repaired_layers(layers, self.chosen)
        return dict(self._repaired or {} if repaired else self.chosen)

    def pick(self, layers: Sequence[Any], role: str, layer: Any, repaired: bool) -> None:
        """Choose the layer of a role; None where it was not recorded.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            What is open.
        role : str
        layer : napari.layers.Image or None
        repaired : bool
            As for :meth:`.FieldOfView.pick`.
        """
        self.by_hand.add(role)
        shown = self.shown(layers, True)
        self._repaired = with_role(shown, role, layer) if repaired else None
        layer = measured_layer(layers, layer) if repaired else layer
        self.chosen = with_role(self.chosen, role, layer)
        (self.unrecorded.discard if role in self.chosen else self.unrecorded.add)(role)

    def leave_open(self, role: str) -> None:
        """Take back what was said of a role."""
        self.by_hand.add(role)
        self.unrecorded.discard(role)
        self._repaired = None
        self.chosen = with_role(self.chosen, role, None)

    def take_field(self, layers: Sequence[Any], field: OpenField) -> None:
        """Go to another field of view; this one is as it was if somebody comes back.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            What is open.
        field : OpenField
            The other one.
        """
        left = PerLayer()
        left.chosen, left.unrecorded, left.by_hand = self.chosen, self.unrecorded, self.by_hand
        self._left = [x for x in self._left if not x._of(self.chosen.values())] + [left]
        known = next((x for x in self._left if x._of(field.members)), PerLayer())
        there = {role: x for role, x in known.chosen.items() if x in layers}
        self.chosen = with_role({**field.layers, **there}, "", None)
        self.unrecorded = known.unrecorded - set(self.chosen)
        self.by_hand = set(known.by_hand)
        self._repaired = None
        self._since = set(map(id_of, layers))

    def follow(
        self, layers: Sequence[Any], images: Sequence[Any], prefer: Any, fields: Sequence[OpenField]
    ) -> bool:
        """Forget what is gone, guess what was left open.

        Parameters
        ----------
        layers, images : sequence of napari.layers.Layer
            What is open, and those among it that show channels, from the bottom up.
        prefer : napari.layers.Layer or None
            The one that is selected.
        fields : sequence of OpenField
            What is open side by side.

        Returns
        -------
        bool
            Whether another field was gone to, because it was opened.
        """
        gone = {role for role, layer in self.chosen.items() if layer not in layers}
        self.chosen = {role: x for role, x in self.chosen.items() if role not in gone}
        self.by_hand -= gone
        if any(x not in layers for x in (self._repaired or {}).values()) or not self.by_hand:
            self._repaired = None
        self._left = [x for x in self._left if any(y in layers for y in x.chosen.values())]
        if not self.chosen:
            if gone:  # what was said was said of a field that is closed
                self.unrecorded, self.by_hand = set(), set()
            if not self.by_hand:
                self.chosen = guess_roles(images, prefer)
                self._since = set(map(id_of, layers)) if len(self.chosen) >= LEAST else set()
            return False
        new = next((field for field in fields if self._has_come(field)), None)
        if new is not None:
            self.take_field(layers, new)
            return True
        self._guess(images, prefer, fields)
        return False

    def _has_come(self, field: OpenField) -> bool:
        """Tell whether a field was opened since; by hand, only what a reader opened counts."""
        if field.stack is not None or len(field.layers) < LEAST or field.ids & self._since:
            return False
        if self._of(field.members):
            return False
        read = all(tag_of(layer).field for layer in field.members)
        return bool(self._since) and (read or not self.by_hand)

    def _guess(self, images: Sequence[Any], prefer: Any, fields: Sequence[OpenField]) -> None:
        own = next((field for field in fields if self._of(field.members)), None)
        if not self.by_hand:
            inside = images if own is None or len(self.chosen) < LEAST else own.members
            guessed = guess_roles(inside, prefer, self.chosen)
            # A name may exchange roles; nothing falls away.
            if len(guessed) > len(self.chosen) or set(guessed) >= set(self.chosen):
                self.chosen = guessed
        elif own is not None:
            taken = set(map(id_of, self.chosen.values()))
            open_still = {
                role: layer
                for role, layer in own.layers.items()
                if role not in self.by_hand and id_of(layer) not in taken
            }
            self.chosen = with_role({**open_still, **self.chosen}, "", None)
        if not self._since and len(self.chosen) >= LEAST:
            self._since = {id_of(layer) for layer in images}

    def _of(self, layers: Any) -> bool:
        """Tell whether some of the chosen layers are among these."""
        return bool(set(map(id_of, self.chosen.values())) & set(map(id_of, layers)))


def with_role(mapping: Mapping[str, _T], role: str, value: _T | None) -> dict[str, _T]:
    """Return a mapping in the order of the roles with another value for one.

    Parameters
    ----------
    mapping : mapping of str to object
        By role.
    role : str
    value : object or None
        None: the role is left out.

    Returns
    -------
    dict of str to object
    """
    changed = {**mapping, role: value}
    return {r: v for r in ROLES if (v := changed.get(r)) is not None}
