"""What the log of a generator's run says of losses and validation, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.trainer.events import read_log
from napari_dualgland.files import regular

Steps = dict[int, Any]


class Told(NamedTuple):
    """What a log says, by step.

    Attributes
    ----------
    losses : dict
        Step → network → term → value.
    validation : dict
        Step → set of images → case → name → value.
    crops : int
        Seen at a step.
    """

    losses: Steps
    validation: Steps
    crops: int


def _by_set(validation: dict[str, Any]) -> dict[str, Any]:
    """Return figures by set and case; the first runs looked at one set and did not name it."""
    flat = any("prior" in row for row in validation.values())
    return {"validation": validation} if flat else validation


def read_events(log: Path) -> Told:
    """Return what a log says of losses and validation.

    Of a step that was run twice, after a kill, the last counts.

    Raises
    ------
    DualglandError
        If the log cannot be read.
    """
    events = read_log(regular(log, "log of a run"))
    losses: Steps = {}
    validation: Steps = {}
    usual = TrainConfig()
    crops = usual.sources * usual.crops_per_source
    for event in events:
        if "crops_per_step" in event.get("started", {}):
            crops = event["started"]["crops_per_step"]
        elif "config" in event.get("started", {}):  # of an earlier version
            config = event["started"]["config"]
            crops = config["sources"] * config["crops_per_source"]
        if "losses" in event:
            terms = event["losses"]
            # A run of the generator alone, as the first ones were, has no names of networks.
            named = all(isinstance(of_network, dict) for of_network in terms.values())
            losses[event["step"]] = terms if named else {"generator": terms}
        if "validation" in event:
            validation[event["step"]] = _by_set(event["validation"])
    return Told(dict(sorted(losses.items())), dict(sorted(validation.items())), crops)
