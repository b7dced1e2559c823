"""What every recipe has, whatever it trains, and how a recipe is read.

A recipe is a YAML file with any of the fields of its kind; what it leaves out has a default.
The resolved options go into every checkpoint and into the model card.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, Field, ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, home_expanded, regular
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.precision import Precision


def _no_checkpoint(name: str) -> str:
    if name.startswith("step-"):
        raise ValueError("a name that begins with step- is that of a checkpoint")
    return name


LONGEST = 10**9
"""Steps of a run at most."""

Steps = Annotated[int, Field(gt=0, le=LONGEST)]
Count = Annotated[int, Field(gt=0, le=65_536)]
"""Of what is in a batch. One that is too large for the memory is told when it is tried."""
Side = Annotated[int, Field(ge=16, le=4096)]
Rate = Annotated[float, Field(gt=0, le=1e30)]
Decay = Annotated[float, Field(ge=0, le=1000)]
"""Of weights, times the rate: what a step multiplies them by is a number of single precision."""

LARGEST_RECIPE = 2**20
"""Bytes."""

Name = Annotated[str, AfterValidator(_no_checkpoint), Field(pattern=r"^[\w][\w.-]*$")]


class RunOptions(FrozenModel):
    """A run of the trainer.

    Attributes
    ----------
    objective : str
        What is trained: ``generator``, ``localizer`` or ``judge``.
    name : str
        Of the model, and so of its file. The pickers show a lab's model only under a name
        that no shipped model has.
    seed : int
        Of everything random.
    clip : float
        Of the gradient's norm.
    log_every, validate_every, checkpoint_every : int
        In steps.
    threads : int
        CPU threads of each process.
    workers : int or None
        Processes that draw batches ahead; None: none on a CPU, up to 8 beside a GPU.
    device : str
        As in ``dualgland impute --device``.
    precision : str
        ``bf16`` (autocast), ``fp32``, or ``auto``: the faster one, which bf16 is where the
        device has it in hardware.
    compile : bool
        Compile the network: ``torch.compile`` needs a C++ compiler and some minutes.
    base : pathlib.Path
        Folder of the recipe; not part of what is kept.
    """

    objective: str
    name: Name
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    clip: float = Field(default=1.0, gt=0)
    log_every: Steps = 50
    validate_every: Steps = 500
    checkpoint_every: Steps = 250
    threads: int = Field(default=2, gt=0, le=1024)
    workers: int | None = Field(default=None, ge=0, le=256)
    device: str = "auto"
    precision: Precision = "auto"
    compile: bool = False
    base: Path = Field(default=Path(), exclude=True)

    def found(self, path: Path) -> Path:
        """Return a path of the recipe as seen from its folder, else from here."""
        path = home_expanded(path)
        return self.base / path if (self.base / path).exists() else path


Record = TypeVar("Record", bound=FrozenModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return what a recipe says.

    Raises
    ------
    DualglandError
        If there is no such file, or it is not YAML or no list of options.
    """
    path = home_expanded(path)
    size = regular(path, "recipe").stat().st_size
    if size > LARGEST_RECIPE:
        expected = f"{LARGEST_RECIPE} at most"
        raise DualglandError(Kind.TOO_LARGE, path, f"a recipe of {size} bytes", expected=expected)
    with decoding(path, "recipe"):
        text = path.read_bytes()
    try:
        options = yaml.load(text.decode(), _Plain) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # of dates, digits and brackets
        raise DualglandError(Kind.DAMAGED, path, f"is not YAML ({error})") from None
    if not isinstance(options, dict):
        found = "is not a list of options like 'steps: 1000'"
        raise DualglandError(Kind.WRONG_CONTENT, path, found)
    return options


class _Plain(yaml.SafeLoader):
    """YAML without references: ten lines of those unfold to more than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):  # type: ignore[no-untyped-call]
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"line {line}: references (*name) are not read")
        return super().compose_node(parent, index)  # type: ignore[no-untyped-call]


def check_options(kind: type[Record], options: Mapping[str, Any], path: Path) -> Record:
    """Return options as a record of their kind.

    Parameters
    ----------
    kind : type
        Of the record.
    options : mapping
        By name.
    path : pathlib.Path
        Of the recipe, for the message.

    Returns
    -------
    kind
        The record.

    Raises
    ------
    DualglandError
        If an option does not exist or has a wrong value; all of them are named.
    """
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors()]
        raise DualglandError(Kind.BAD_VALUE, path, "; ".join(wrong)) from None
