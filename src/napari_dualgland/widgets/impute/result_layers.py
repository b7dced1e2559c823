"""The layers that a run leaves in the viewer, from the first tile to the last.

While the work goes on, one live layer per result shows the source with the finished
tiles over it; at the end the same layers take the final pixels, or disappear without a
trace if the work was cancelled. Sources are hidden meanwhile, never changed.
"""

from __future__ import annotations

from typing import Any

from napari.layers import Image
from napari.utils.colormaps import Colormap

from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.io.layer_tag import Kind, LayerTag, id_of, metadata_of, set_tag, tag_of
from napari_dualgland.io.layer_tuples import contrast_limits
from napari_dualgland.progress import Patch
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLE_COLORS, from_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.field.roles import ESTIMATE_NOTE, PLAUSIBLE_NOTE
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.result_views import ResultPixels, View, live_pixels, views_of
from napari_dualgland.widgets.layers.looks import image_looks, placement
from napari_dualgland.widgets.layers.missing_layer import missing_codes, show_missing
from napari_dualgland.widgets.layers.own_layers import keeps_name, own_layers, tag_for
from napari_dualgland.widgets.layers.pixels import cast, pyramid_like

_UNCERTAINTY_LOOKS = {"colormap": "inferno", "blending": "additive"}


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
    """

    def __init__(self, viewer: Any, source: Source, frame: dict[str, int] | None) -> None:
        self._viewer = viewer
        self._source = source
        self._frame = frame
        self._views = views_of(source)
        self._hidden: list[Any] = []
        self._active: Any = None
        self.layers: list[Image] = []

    def open(self, marked_in: Any = None) -> None:
        """Show the source once more, in layers that will take the tiles.

        The layer that the person has marked what is missing in is hidden meanwhile.
        """
        earlier = [own for own in map(self._earlier, self._views) if own is not None]
        self._active = self._viewer.layers.selection.active
        visible = {id(view): self._is_looked_at(view) for view in self._views}
        # Marks of what is missing would hide the tiles that are to be seen.
        marks = [layer for layer in self._viewer.layers if is_coded(layer)]
        marks += [marked_in] if marked_in is not None and marked_in not in marks else []
        beside = self._earlier_beside()
        for layer in (*self._source.distinct_layers, *earlier, *beside, *marks):
            if layer.visible:
                self._hidden.append(layer)
                layer.visible = False
        for view in self._views:
            layer = Image(
                live_pixels(view, self._source),
                name=f"{view.name} (working)",
                metadata=metadata_of(LayerTag(kind="working", role=view.role)),
                multiscale=view.source is not None and view.source.multiscale,
                rgb=False,  # three or four channels on the last axis look like colours
                **placement(self._source.first),
                **{**self._looks(view), "visible": visible[id(view)]},
            )
            self.layers.append(self._viewer.add_layer(layer))

    def put(self, patch: Patch) -> None:
        """Lay a finished tile over the live layers; :meth:`refresh` shows it."""
        frame = self._frame or {"T": patch.t, "Z": patch.z}
        starts = {**frame, "C": 0, "Y": patch.y.start, "X": patch.x.start}
        for view, layer in self._shown():
            values = patch.values if view.channel is None else patch.values[view.channel][None]
            box = from_canonical(values[None, None], view.axes)
            start = tuple(starts[axis] for axis in view.axes)
            levels = layer.data if layer.multiscale else [layer.data]
            for level in levels:
                level.put_scaled(levels[0].shape, start, cast(box, level.dtype))

    def refresh(self) -> None:
        """Draw what was put since the last time."""
        for layer in self.layers:
            if layer.visible:
                layer.refresh(thumbnail=False, extent=False)

    def pairs(self) -> list[tuple[Image | None, Image]]:
        """Return each source layer with its result; None where the channel was absent."""
        return [(view.source, layer) for view, layer in self._shown()]

    def discard(self) -> None:
        """Take everything of this run out of the viewer and show the sources again."""
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self.layers = []
        for layer in self._hidden:
            layer.visible = True
        self._hidden = []

    def finish(self, result: Imputation) -> None:
        """Give the layers their final pixels, names and provenance.

        Results of an earlier run on the same layers are replaced, unless the person has
        renamed them.
        """
        pixels_of = ResultPixels(self._source, self._frame, result)
        for view, layer in self._shown():
            if layer not in self._viewer.layers:
                continue
            earlier = self._earlier(view)
            if earlier is not None:
                self._viewer.layers.remove(earlier)
            pixels = pixels_of.picture(view, result.data)
            layer.data = pyramid_like(pixels, layer) if layer.multiscale else pixels
            set_tag(layer, self._tag(result, "imputed", view))
            layer.name = view.name
            if view.source is None:
                layer.contrast_limits = contrast_limits(pixels)
        for stale in self._earlier_beside():
            self._viewer.layers.remove(stale)
        start = self._place_beside()
        for number, sample in enumerate(result.samples, 1):
            pictures = [pixels_of.picture(view, sample) for view in self._views]
            self._add_beside(start, result, "sample", pictures, number)
        if result.uncertainty is not None:
            pictures = [pixels_of.uncertainty(view) for view in self._views]
            self._add_beside(self._place_beside(), result, "uncertainty", pictures)
        codes = missing_codes(self._source, result.stack, result.missing, self._frame)
        tag = tag_for(self._source, "missing", "missing", **self._of_run(result))
        show_missing(self._viewer, self._source, codes, outline=True, tag=tag)
        self._select_result()

    def _is_looked_at(self, view: View) -> bool:
        """Return whether a person sees the channel now, in its source or in an earlier result."""
        # A run hides the sources: from the second one on, it is the earlier result that tells.
        seen = [layer for layer in (view.source, self._earlier(view)) if layer is not None]
        return not seen or any(layer.visible for layer in seen)

    def _looks(self, view: View) -> dict[str, Any]:
        if view.source is not None:
            return image_looks(view.source)
        # A channel that was never recorded is shown as the atlas shows it.
        like = image_looks(self._source.first)
        color = ROLE_COLORS[view.role or "protein"]
        return {**like, "colormap": Colormap(["#000000", color], name=view.role), "gamma": 1.0}

    def _earlier(self, view: View) -> Any:
        return next(iter(self._own("imputed", role=view.role)), None)

    def _earlier_beside(self) -> list[Any]:
        """Return uncertainties and samples of earlier runs."""
        return self._own("uncertainty") + self._own("sample")

    def _own(self, kind: Kind, **fields: Any) -> list[Any]:
        """Return layers of earlier runs; not what the person has renamed."""
        found = own_layers(self._viewer, self._source, kind, **fields)
        return [layer for layer in found if keeps_name(layer)]

    def _add_beside(
        self,
        start: int,
        result: Imputation,
        kind: Kind,
        pictures: list[LazyArray],
        number: int | None = None,
    ) -> None:
        """Add what goes with each result layer: hidden, and lying where that lies."""
        for up, ((view, beside), pixels) in enumerate(zip(self._shown(), pictures, strict=True)):
            tag = self._tag(result, kind, view, number)
            looks = image_looks(beside) if kind == "sample" else _UNCERTAINTY_LOOKS
            layer = Image(
                pyramid_like(pixels, beside) if beside.multiscale else pixels,
                name=tag.name,
                multiscale=beside.multiscale,
                rgb=False,
                metadata=metadata_of(tag),
                **placement(self._source.first),
                **{**looks, "visible": False},
            )
            self._viewer.layers.insert(start + up, layer)

    def _shown(self) -> list[tuple[View, Image]]:
        return list(zip(self._views, self.layers, strict=True))

    def _place_beside(self) -> int:
        """Return where in the layer list that goes which stands beside the results.

        It is hidden and is put beneath them, so that a person finds results first, not thirty
        rows of samples. Results that do not add up would cover it; then it lies above.
        """
        layers = self._viewer.layers
        own = [layer for layer in self.layers if layer in layers]
        if all(layer.blending == "additive" for layer in own):
            return min(map(layers.index, own), default=len(layers))
        return max(map(layers.index, own)) + 1

    def _select_result(self) -> None:
        """Select what became of the layer that the person was at, else of the protein."""
        role = None if self._active is None else tag_of(self._active).role
        shown = [pair for pair in self._shown() if pair[1] in self._viewer.layers]
        if not shown:
            return

        def nearness(pair: tuple[View, Image]) -> int:
            view, _ = pair
            if view.source is not None and view.source == self._active:
                return 3
            return 2 if role is not None and view.role == role else int(view.role == "protein")

        self._viewer.layers.selection.active = max(shown, key=nearness)[1]

    def _tag(
        self, result: Imputation, kind: Kind, view: View, number: int | None = None
    ) -> LayerTag:
        """Return what a layer beside a source says of itself."""
        words = [view.stem, kind] if number is None else [view.stem, kind, str(number)]
        return tag_for(
            self._source,
            kind,
            " ".join(words),
            view.role,
            beside=None if view.source is None else id_of(view.source),
            number=number,
            **self._of_run(result, drawn=kind == "sample"),
        )

    def _of_run(self, result: Imputation, drawn: bool = False) -> dict[str, Any]:
        """Return what all layers of a run say."""
        plausible = drawn or bool(result.provenance.options.get("plausible"))
        channels = result.stack.channels if self._source.one_layer else ()
        return {
            "notes": (PLAUSIBLE_NOTE if plausible else ESTIMATE_NOTE,),
            "provenance": result.provenance,
            "plane": self._frame,
            "roles": tuple(channel.role for channel in channels),
        }
