"""Training as a value: which images, from which network on, under which name, and where."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.places import made
from napari_dualgland.jobs.channel_words import channels_option
from napari_dualgland.jobs.code import path_word
from napari_dualgland.runs.folder import JOB, list_runs
from napari_dualgland.runs.install import refuse_name
from napari_dualgland.runs.process import last_told
from napari_dualgland.runs.recipes import RECIPES, recipe_path, refuse_lacking

_NAME = re.compile(r"[\w][\w.-]*")


class TrainParams(FrozenModel):
    """How a network is trained.

    Attributes
    ----------
    recipe : str
        Name of a recipe that ships, or path of a lab's own.
    name : str
        Of the model.
    steps : int or None
        None: as many as the recipe says.
    credit : str
        Attribution of the images, for the model's card.
    device : str
        As of every job.
    """

    recipe: str = Field(
        default="shipped",
        title="Start from",
        description="What the network knows before it sees your images.",
    )
    name: str = Field(
        default="my-model",
        title="Name",
        description="What the new model is called in the lists of models: letters, digits, "
        "'.', '-' and '_'.",
    )
    steps: int | None = Field(
        default=None,
        gt=0,
        le=10**9,
        title="Steps",
        description="How often the network is corrected. More steps take longer and learn more, "
        "until the curve of the validation no longer rises. You can stop at any time and use "
        "what there is.",
        json_schema_extra={"none": "usual", "start": 3000},
    )
    credit: str = Field(
        default="",
        title="Credit",
        description="Whose images these are and how to cite them; it is written on the model's "
        "card. The images themselves are not.",
    )
    device: str = Field(
        default="auto",
        title="Device",
        description="Where training computes. auto takes a GPU if there is one; without one, it "
        "takes hours to days.",
    )


class TrainJob(FrozenModel):
    """A training run.

    Attributes
    ----------
    images : pathlib.Path
        Folder with the lab's images.
    channels : dict or None
        From role to the position or name of a channel, where names do not tell.
    params : TrainParams
    output : pathlib.Path
        Folder of the run.
    """

    kind: Literal["train"] = "train"
    images: Path
    channels: dict[str, int | str] | None = None
    params: TrainParams = TrainParams()
    output: Path

    def check(self) -> None:
        """Refuse what could not be trained, before a process is started.

        Raises
        ------
        DualglandError
            If training is not installed, there is no such recipe, or the name is none or taken.
        """
        refuse_lacking()
        name, recipe = self.params.name, self.params.recipe
        if not _NAME.fullmatch(name) or name.startswith("step-"):
            raise DualglandError(
                Kind.BAD_VALUE,
                f"name {name!r}",
                "a model cannot be called so",
                expected="letters, digits, '.', '-' and '_', such as our-hela",
            )
        if not recipe_path(recipe).is_file():
            found = "no such recipe"
            raise DualglandError(
                Kind.NOT_THERE, recipe, found, expected=f"a file, or one of {', '.join(RECIPES)}"
            )
        refuse_name(name)
        if self.output in list_runs():
            raise DualglandError(
                Kind.CONFLICT,
                f"name {name!r}",
                "a run is called so",
                way_out="go on with it, or choose another name",
            )

    def options(self) -> dict[str, Any]:
        """Return what counts more than the recipe's options."""
        data = {"images": [str(self.images)], "credit": self.params.credit}
        told: dict[str, Any] = {"name": self.params.name, "data": data}
        told["data"] |= {"channels": self.channels} if self.channels else {}
        return told | ({} if self.params.steps is None else {"steps": self.params.steps})

    def words(self) -> list[str]:
        """Return what stands behind ``dualgland`` in a shell; the model is installed at the end."""
        params = self.params
        recipe = params.recipe
        words = ["train", recipe if recipe in RECIPES else path_word(Path(recipe).absolute())]
        words += ["--out", path_word(self.output), "--images", path_word(self.images)]
        words += channels_option(self.channels)
        words += ["--name", params.name]
        words += [] if params.steps is None else ["--steps", str(params.steps)]
        words += ["--credit", params.credit] if params.credit else []
        return [*words, "--device", params.device, "--install"]

    def as_command(self) -> str:
        """Return the shell line that trains the same model."""
        return shlex.join(["dualgland", *self.words()])

    def save(self) -> None:
        """Make the run's folder and write the job into it.

        Raises
        ------
        DualglandError
            If it cannot be made or written to.
        """
        with replacing(made(self.output) / JOB) as path:
            path.write_text(json.dumps(self.model_dump(mode="json"), indent=2), encoding="ascii")

    def expected_seconds(self, steps: int) -> float | None:
        """Return how long so many steps will take, as fast as the last run of such a network.

        Parameters
        ----------
        steps : int

        Returns
        -------
        float or None
            None where no run of this recipe has told on this device how fast it is.
        """
        for folder in list_runs():
            with suppress(OSError, ValueError):  # pydantic's own errors among them
                other = TrainJob.model_validate(json.loads((folder / JOB).read_bytes())).params
                same = (other.recipe, other.device) == (self.params.recipe, self.params.device)
                if same and (speed := last_told(folder).speed):
                    return steps / speed
        return None

    def found_from(self, folder: Path) -> TrainJob:
        """Return the job with relative paths seen from a folder."""
        places = ("images", "output")
        more: dict[str, Any] = {p: folder / home_expanded(getattr(self, p)) for p in places}
        if (recipe := self.params.recipe) not in RECIPES:
            own = str(folder / home_expanded(recipe))
            more["params"] = self.params.model_copy(update={"recipe": own})
        return self.model_copy(update=more)
