"""The layers of one run, from the first tile to the last, and whatever happens in between.

When the first tiles are due, one live layer per result shows the source with the finished tiles
over it; at the end the same layers take the final pixels, or what they held before if the work was
cancelled. They are made one at a time, between two of napari's events, for each takes a tenth of a
second; the result of an earlier run on the same layers is used again, for napari takes longer
still to remove one. Sources are hidden meanwhile, never changed. A layer that a person takes away
in the middle stays away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from napari.layers import Image
from napari.utils.colormaps import Colormap

from napari_dualgland.io.carried import carry
from napari_dualgland.io.layer_tag import LayerTag, metadata_of, set_tag, tag_of
from napari_dualgland.io.layer_tuples import contrast_limits
from napari_dualgland.progress import Patch
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLE_COLORS, from_canonical
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.beside_layers import BesideLayers, run_tag, select_result
from napari_dualgland.widgets.impute.result_covers import covers
from napari_dualgland.widgets.impute.result_views import ResultPixels, View, live_pixels, views_of
from napari_dualgland.widgets.layers.hiding import hidden_by_us, hide, show, show_when_alone
from napari_dualgland.widgets.layers.looks import image_looks, lay_over, placement
from napari_dualgland.widgets.layers.missing_layer import missing_codes, show_missing
from napari_dualgland.widgets.layers.own_layers import keeps_name, own_layers
from napari_dualgland.widgets.layers.pixels import cast, pyramid_like


@dataclass(frozen=True)
class _Before:
    """What a layer of an earlier run held before this one."""

    data: Any
    name: str
    tag: LayerTag
    visible: bool
    by_us: bool
    """Whether it was hidden, and not by a person."""


class ResultLayers:
    """Result layers of one run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What is being repaired.
    frame : dict of str to int or None
        The plane that is repaired, None for all.
    marked_in : napari.layers.Layer, optional
        The layer that the person has marked what is missing in; hidden meanwhile.

    Attributes
    ----------
    lets_go : bool
        Whether an earlier run has filled other planes than the one that is filled now. Layers
        tell one run, how it was made and what it has filled, so those are as measured again.
    """

    def __init__(
        self, viewer: Any, source: Source, frame: dict[str, int] | None, marked_in: Any = None
    ) -> None:
        self.viewer = viewer
        self.source = source
        self.frame = frame
        self._marked_in = marked_in
        self._due = views_of(source)
        self._live: list[tuple[View, Image]] = []
        self._before: dict[Image, _Before] = {}
        self._hidden: list[Any] = []
        self._active = viewer.layers.selection.active
        self._looked_at = {view.role: self._is_looked_at(view) for view in self._due}
        self._begun = False
        self.lets_go = frame is not None and any(
            tag_of(layer).plane != frame for view in self._due for layer in self._earlier(view)
        )

    @property
    def gone(self) -> bool:
        """Whether a person has taken away all that there is to be seen of the run."""
        layers = self.viewer.layers
        if self._begun and not self._due:
            return not self.shown()
        return not any(layer in layers for layer in self.source.distinct_layers)

    def open_one(self) -> bool:
        """Make the next live layer and hide its source; tell whether there are more to make."""
        if not self._begun:
            self._begun = True
            for layer in covers(self.viewer, self.source, self._marked_in):
                self._hide(layer)
        if self._due:
            self._open(self._due.pop(0))
        if not self._due:
            for layer in self.source.distinct_layers:
                self._hide(layer)
        return bool(self._due)

    def open_all(self) -> None:
        """Make all live layers that are not there yet."""
        while self.open_one():
            pass

    def put(self, patch: Patch) -> None:
        """Lay a finished tile over the live layers; :meth:`refresh` shows it."""
        self.open_all()
        frame = self.frame or {"T": patch.t, "Z": patch.z}
        starts = {**frame, "C": 0, "Y": patch.y.start, "X": patch.x.start}
        for view, layer in self.shown():
            values = patch.values if view.channel is None else patch.values[view.channel][None]
            box = from_canonical(values[None, None], view.axes)
            start = tuple(starts[axis] for axis in view.axes)
            levels = layer.data if layer.multiscale else [layer.data]
            for level in levels:
                level.put_scaled(levels[0].shape, start, cast(box, level.dtype))

    def refresh(self) -> None:
        """Draw what was put since the last time."""
        for _, layer in self.shown():
            if layer.visible:
                layer.refresh(thumbnail=False, extent=False)

    def shown(self) -> list[tuple[View, Image]]:
        """Return the layers that are still there, with what they show."""
        self._live = [pair for pair in self._live if pair[1] in self.viewer.layers]
        return list(self._live)

    def pairs(self) -> list[tuple[Image | None, Image]]:
        """Return each source layer with its result; None where the channel was absent."""
        return [(view.source, layer) for view, layer in self.shown()]

    def selected(self) -> Image:
        """Return the result that is selected; that of the protein, or the first, if none is."""
        results = {view.role: layer for view, layer in self.shown()}
        active = self.viewer.layers.selection.active
        for layer in results.values():
            if layer == active:
                return layer
        return results.get("protein", next(iter(results.values())))

    def discard(self) -> None:
        """Leave no trace of the run: what was there before is there again."""
        self._due = []
        for layer in self._hidden:
            show(layer)
        for _, layer in self.shown():
            before = self._before.get(layer)
            if before is None:
                self.viewer.layers.remove(layer)
                continue
            layer.data = before.data
            set_tag(layer, before.tag)
            layer.name = before.name
            if before.by_us:
                hide(layer)
            else:
                layer.visible = before.visible
        self._live, self._hidden, self._before = [], [], {}

    def finish_steps(self, result: Imputation) -> Iterator[None]:
        """Give the layers their final pixels, names and provenance; mark what was filled in.

        Results of an earlier run on the same layers are replaced, unless the person has
        renamed them. Where none of the layers is left to be seen, nothing is added.

        Parameters
        ----------
        result : Imputation
            What came out.

        Yields
        ------
        None
            Where napari may draw before it goes on.
        """
        while self.open_one():
            yield
        if not self.shown():
            return
        for view, layer in self.shown():
            for earlier in self._earlier(view):
                if earlier != layer:
                    self.viewer.layers.remove(earlier)
        yield
        self.fill(result)
        yield
        beside = BesideLayers(self.viewer, self.source, self.frame, self.shown())
        beside.forget()
        beside.add_samples(result)
        yield
        codes = missing_codes(self.source, result.stack, result.missing, self.frame)
        tag = run_tag(self.source, self.frame, result, "missing", "missing")
        show_missing(self.viewer, self.source, codes, outline=True, tag=tag)
        yield
        if self.shown():
            select_result(self.viewer, self.shown(), self._active)
        show_when_alone(self.viewer)
        self._before, self._hidden = {}, []

    def fill(self, result: Imputation) -> None:
        """Give the layers the fill of a result, and the names that it calls for."""
        pixels_of = ResultPixels(self.source, self.frame, result)
        for view, layer in self.shown():
            pixels = pixels_of.picture(view, result.data)
            renamed = tag_of(layer).kind == "imputed" and not keeps_name(layer)
            layer.data = pyramid_like(pixels, layer) if layer.multiscale else pixels
            words = "plausible picture" if result.plausible else "imputed"
            tag = run_tag(
                self.source, self.frame, result, "imputed", f"{view.stem} {words}", view=view
            )
            set_tag(layer, tag)
            carry(layer, pixels_of.fills(view))
            if not renamed:
                layer.name = f"{view.stem} {words}"
            if view.source is None:
                layer.contrast_limits = contrast_limits(pixels)

    def _open(self, view: View) -> None:
        pixels = live_pixels(view, self.source)
        tag = LayerTag(kind="working", role=view.role)
        layer = next(iter(self._earlier(view)), None)
        visible = self._looked_at[view.role]
        if layer is not None and _alike(layer, pixels):
            self._before[layer] = _Before(
                layer.data, layer.name, tag_of(layer), layer.visible, hidden_by_us(layer)
            )
            set_tag(layer, tag)
            layer.data = pixels
            lay_over(layer, self.source.first)
            layer.name, layer.visible = f"{view.name} (working)", visible
        else:
            if layer is not None:
                self._hide(layer)
            layer = Image(
                pixels,
                name=f"{view.name} (working)",
                metadata=metadata_of(tag),
                multiscale=view.source is not None and view.source.multiscale,
                rgb=False,  # three or four channels on the last axis look like colours
                **placement(self.source.first),
                **{**self._looks(view), "visible": visible},
            )
            self.viewer.add_layer(layer)
        self._live.append((view, layer))
        if view.source is not None and view.channel is not None:
            self._hide(view.source)

    def _hide(self, layer: Any) -> None:
        if layer.visible:
            self._hidden.append(layer)
            hide(layer)

    def _is_looked_at(self, view: View) -> bool:
        """Return whether a person sees the channel now, in its source or in an earlier result."""
        # A run hides the sources: from the second one on, it is the earlier result that tells,
        # which a localization may have hidden in turn.
        sources = [] if view.source is None else [view.source]
        told = self._earlier(view) or sources
        return (
            not told
            or any(layer.visible or hidden_by_us(layer) for layer in told)
            or any(layer.visible for layer in sources)
        )

    def _looks(self, view: View) -> dict[str, Any]:
        if view.source is not None:
            return image_looks(view.source)
        # A channel that was never recorded is shown as the atlas shows it, and hides no other.
        like = image_looks(self.source.first)
        color = ROLE_COLORS[view.role or "protein"]
        own = {"colormap": Colormap(["#000000", color], name=view.role), "gamma": 1.0}
        return {**like, **own, "blending": "additive", "opacity": 1.0}

    def _earlier(self, view: View) -> list[Any]:
        """Return the layers of earlier runs; not what the person has renamed."""
        found = own_layers(self.viewer, self.source, "imputed", role=view.role)
        return [layer for layer in found if keeps_name(layer)]


def _alike(layer: Image, pixels: Any) -> bool:
    """Tell whether a layer can take pixels of this shape and these levels."""
    levels = pixels if isinstance(pixels, list) else [pixels]
    own = layer.data if layer.multiscale else [layer.data]
    return layer.multiscale == isinstance(pixels, list) and (
        [tuple(level.shape) for level in own] == [tuple(level.shape) for level in levels]
    )
