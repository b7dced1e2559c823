"""The training loop: draw, step, tell, look, keep; until the end or until told to stop.

Everything that happened goes, a line each, into ``events.jsonl`` of the run's folder; a
run that was killed goes on from its last checkpoint as if nothing had happened.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Generic

import torch

from dualgland_training.trainer import distributed
from dualgland_training.trainer.agreement import choose_for_all, hold_for_all, kept_precision
from dualgland_training.trainer.checkpoint import (
    clear_unfinished,
    find_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    set_aside,
)
from dualgland_training.trainer.events import LOG, Events, open_tensorboard
from dualgland_training.trainer.memory import release, used_memory
from dualgland_training.trainer.objective import B, Objective, Warn
from dualgland_training.trainer.options import RunOptions
from dualgland_training.trainer.prefetch import default_workers, draw_ahead
from dualgland_training.trainer.steps import Steps, Terms, mean_terms
from dualgland_training.trainer.stopping import StopRequest
from napari_dualgland._version import __version__
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.targets import refuse_folder
from napari_dualgland.memory import is_out_of_memory, refused_where_memory_runs_out
from napari_dualgland.model.device import choose_device, processor_name
from napari_dualgland.runs.folder import STOP

SMALLER = "set widths, crop or the batch lower in the recipe, or train on fewer images"


def _refuse_model(weights: Path, *, ours: bool) -> None:
    """Refuse to train where a finished model lies that is not of the run to go on with.

    It may be the very one that the recipe starts from.
    """
    of_run = ours and (weights.parent / LOG).exists()
    for path in (weights, weights.with_suffix(".json")):
        if not of_run and os.path.lexists(path):
            raise DualglandError(
                Kind.CONFLICT,
                path,
                "a model lies there, which would be replaced",
                way_out="choose another folder, or another name: in the recipe",
            )


Make = Callable[[torch.device, str, Warn], Objective[B]]
"""Reads the data and builds the networks, for a device and a precision."""


class Stopped(Exception):
    """A run was asked to stop and has left a checkpoint."""

    def __init__(self, step: int, cause: signal.Signals) -> None:
        super().__init__(f"stopped after step {step}; --resume goes on from there")
        self.step, self.cause = step, cause


class Training(Generic[B]):
    """A run in a folder.

    Parameters
    ----------
    options : RunOptions
        The resolved recipe.
    make : callable
        Makes what is trained.
    folder : pathlib.Path
        Where checkpoints, events, pictures and the finished model go.
    resume : bool
        Go on from the newest checkpoint of the folder, if there is one.
    tensorboard : bool
        Write curves for TensorBoard too.

    Raises
    ------
    DualglandError
        If the folder holds a run that is not resumed or is trained in by another process,
        or data, start or device of the recipe cannot be had.
    """

    def __init__(
        self,
        options: RunOptions,
        make: Make[B],
        folder: Path,
        *,
        resume: bool = False,
        tensorboard: bool = False,
    ) -> None:
        self.options, self.folder, self.step = options, folder, 0
        self.figures: dict[str, Any] = {}
        if not resume and (held := find_checkpoints(folder)):
            raise DualglandError(
                Kind.CONFLICT,
                folder,
                f"holds a run ({held[0].name})",
                way_out="go on with it by --resume, or choose another folder",
            )
        refuse_folder(folder, (), ())
        _refuse_model(folder / f"{options.name}.safetensors", ours=resume)
        self.device = distributed.own_device(choose_device(options.device))
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        distributed.join(self.device)
        folder.mkdir(parents=True, exist_ok=True)
        self.events = Events(folder, silent=distributed.rank() > 0)
        self.lock = hold_for_all(folder, self.device, self.events.notice)
        newest = latest_checkpoint(folder)
        precision, took = choose_for_all(options.precision, self.device, self._warn)
        with refused_where_memory_runs_out("recipe", SMALLER):
            self.objective = make(self.device, precision, self._warn)
            begun = self.objective.begin() if newest is None else {}
            self.steps = Steps(self.objective, options)
        if newest is not None:
            self._load(newest)
        self._tidy(newest)
        if tensorboard and distributed.rank() == 0:
            self.events.writer = open_tensorboard(folder, self.step)
        begun |= {"resumed_from": self.step} if newest is not None else {}
        self._tell_start(begun | {"seconds_a_pass": took})
        if distributed.rank() == 0:
            self.objective.watch(self._warn)

    def _warn(self, text: str) -> None:
        self.events.warn(self.step, text)

    def _log(self, **event: Any) -> None:
        self.events.log(self.step, **event)

    def _tidy(self, newest: Path | None) -> None:
        """See that all processes stand at one step; put away what a kill left in the folder."""
        if not distributed.same(self.step, self.device):
            raise DualglandError(
                Kind.MISMATCH,
                self.folder,
                "the processes find different checkpoints there",
                expected="a folder on a file system that all machines share",
            )
        if distributed.rank() == 0:
            clear_unfinished(self.folder)
            if newest is not None:
                for path in set_aside(self.folder, newest):
                    self._warn(f"{path}: is damaged; going on from {newest.name}")

    def _tell_start(self, more: dict[str, Any]) -> None:
        told: dict[str, Any] = {
            "config": self.options.model_dump(mode="json"),
            "crops_per_step": self.objective.crops,
            "device": str(self.device),
            "processor": processor_name(),
            "precision": self.objective.precision,
            "processes": distributed.world(),
            "torch": torch.__version__,
            "version": __version__,
            "images": self.objective.images(),
        }
        self._log(started=told | more)

    def _load(self, path: Path) -> None:
        """Put a checkpoint back in place; say what of the recipe has changed since."""
        steps = self.steps
        self.step, kept, state = load_checkpoint(
            path, steps.networks, steps.average, steps.optimisers
        )
        self.objective.load_state({k: v.to(self.device) for k, v in kept.items()})
        self.objective.keep_division(state.get("parts", {}), self._warn)
        self.figures = state["figures"]
        made = self.objective
        was, asked = state.get("precision", made.precision), self.options.precision
        made.precision = kept_precision(was, made.precision, asked, self.device, self._warn)
        now = self.options.model_dump(mode="json")
        changed = [k for k, v in now.items() if k in state["config"] and state["config"][k] != v]
        if changed:
            self._warn(f"the recipe is not that of the checkpoint: {', '.join(changed)} differ")

    def run(self) -> Path:
        """Train to the end; return the path of the finished model's weights.

        Raises
        ------
        Stopped
            After SIGTERM or Ctrl-C, once a checkpoint is written.
        NotFinite
            If a gradient, a loss or a weight is not finite.
        DualglandError
            If memory runs out; where a step needs too much, with the batch that would fit.
        """
        workers = self.options.workers
        if workers is None:
            workers = default_workers(self.device)
        steps = range(self.step, self.objective.steps)
        drawn = draw_ahead(self.objective.batches(), steps, workers, self.device)
        asked = StopRequest(self.folder / STOP)
        with self.lock, self.events, asked as stop, closing(drawn):
            self.events.restart_clock(self.step, self.objective.steps)
            try:
                with refused_where_memory_runs_out(f"step {self.step}", SMALLER):
                    self._train(drawn, stop)
                    model = self._export()
            except DualglandError as error:
                self._log(failed=str(error))
                raise
            self._log(finished=model.name)
        return model

    def _train(self, drawn: Iterator[B], stop: StopRequest) -> None:
        options, steps = self.options, self.objective.steps
        window: list[Terms] = []
        drawing = stepping = 0.0
        if steps == 0:
            self._look()
        while self.step < steps:
            start = time.perf_counter()
            batch = self._moved(next(drawn))
            ready = time.perf_counter()
            window.append(self._advance(batch))
            drawing += ready - start
            stepping += time.perf_counter() - ready
            self.step += 1
            self.events.advance(self.step)
            last = self.step == steps
            if self.step % options.log_every == 0 or last:
                self._tell(window, drawing, stepping)
                window, drawing, stepping = [], 0.0, 0.0
            if self.step % options.validate_every == 0 or last:
                self._look()
            asked = distributed.any_of(bool(stop), self.device)
            if self.step % options.checkpoint_every == 0 or last or asked:
                self._keep()
            if asked and not last:
                self._export()
                self._log(stopped=True)
                raise Stopped(self.step, stop.signal or signal.SIGTERM)

    def _moved(self, batch: B, count: int | None = None) -> B:
        """Return the first rows of a batch, all of them if not told, on the device."""
        parts = (part[:count].to(self.device, non_blocking=True) for part in batch)
        return type(batch)(*parts)  # type: ignore[call-arg]

    def _advance(self, batch: B) -> Terms:
        try:
            return self.steps.advance(batch, self.step)
        except Exception as error:
            # No compiler, most often.
            if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                first = str(error).strip().split("\n", 1)[0]
                raise DualglandError(
                    Kind.UNSUPPORTED, "compile", f"failed here ({first})", way_out="set it false"
                ) from None
            if not is_out_of_memory(error):
                raise
        # Outside the handler: the error holds on to the tensors that were too many.
        fits = self.objective.what_fits(
            lambda count: self.steps.rehearse(self._moved(batch, count), self.step)
        )
        raise DualglandError(Kind.TOO_LARGE, f"step {self.step}", fits)

    def _tell(self, window: list[Terms], drawing: float, stepping: float) -> None:
        """Log means over the last steps, and how fast they were."""
        losses = mean_terms(window)
        speed = len(window) / (drawing + stepping)
        self._log(
            losses=losses,
            steps_per_second=speed,
            share_of_drawing=drawing / (drawing + stepping),
            memory=used_memory(self.device),
        )
        shown = ", ".join(f"{name} {terms['loss']:.4g}" for name, terms in losses.items())
        steps = self.objective.steps
        left = (steps - self.step) / speed / 60
        self.events.say(
            f"step {self.step} of {steps}: loss of {shown}; "
            f"{speed:.2f} steps/s, {left:.0f} min left"
        )

    def _look(self) -> None:
        """Validate the moving average, log figures, export the model.

        Raises
        ------
        NotFinite
            Before that, if a weight is not finite.
        """
        self.steps.check()
        if distributed.rank() > 0:
            return
        try:
            seen = self.objective.validate(self.steps.average, self.folder, self.step)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._warn("out of memory in validation: no figures; lower validation_crops:")
            release(self.device)
        else:
            if seen is not None:
                self.figures = seen.figures
                event = {"validation": seen.table, "crops": self.step * self.objective.crops}
                self._log(**event | ({} if seen.pictures is None else {"pictures": seen.pictures}))
        self._export()

    def _keep(self) -> None:
        self.steps.check()
        if distributed.rank() == 0:
            steps = self.steps
            state = {
                "config": self.options.model_dump(mode="json"),
                "figures": self.figures,
                "precision": self.objective.precision,
                "parts": self.objective.division(),
            }
            save_checkpoint(
                self.folder,
                self.step,
                steps.networks,
                steps.average,
                steps.optimisers,
                self.objective.state(),
                state,
            )

    def _export(self) -> Path:
        """Write the model as it stands; the first process for all."""
        if distributed.rank() > 0:
            return self.folder / f"{self.options.name}.safetensors"
        return self.objective.export(self.steps.average, self.folder, self.step, self.figures)
