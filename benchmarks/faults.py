"""Kill, starve and interrupt runs, and count what our promises were worth.

    python benchmarks/faults.py --out docs/promises.md

Every trial is a run of the command line in a process of its own, forked from one in which all
is loaded, so that a random moment falls into the work and not into the start of Python.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import tifffile

from fault_place import Place
from napari_dualgland.model.device import processor_name
from napari_dualgland.sample import sample_path
from napari_dualgland.stack import ROLES, Channel
from struck_runs import Ended, run

RECIPE = """\
{name: small, widths: [8, 8, 8], depths: [1, 1, 1], crop: 32, sources: 2, crops_per_source: 2,
 steps: 9, warmup: 2, checkpoint_every: 3, validate_every: 9, validation_crops: 1, pictures: 1,
 threads: 1, device: cpu, precision: fp32, discriminator_width: 8,
 data: {images: [SAMPLE], credit: simulated}}
"""


@dataclass
class Tally:
    """Trials of one kind of fault."""

    fault: str
    promise: str
    tried: int = 0
    broken: list[str] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)

    def count(self, ended: Ended, *wrong: str | None) -> None:
        """Count a trial; what is not None was broken."""
        self.tried += 1
        self.ends[ended.code] = self.ends.get(ended.code, 0) + 1
        faults = [what for what in wrong if what]
        if faults:
            self.broken.append(f"{'; '.join(faults)} (exit {ended.code}: {ended.said[-160:]!r})")


def said_truth(ended: Ended, there: bool) -> str | None:
    """Return what is wrong with what an end said of the files."""
    lie = there and "no file was written" in ended.said
    return "said that nothing was written" if lie else None


def kills(place: Place, chance: random.Random, count: int) -> Tally:
    tally = Tally(
        "`impute` killed (-9)", "the output is whole or not there; the sources are as they were"
    )
    for _ in range(count):
        place.out.unlink(missing_ok=True)
        ended = run(place.impute(), place.at, after=chance.random() * place.seconds * 1.1)
        tally.count(ended, place.half(), place.changed())
    again = run(place.impute(), place.at)
    wrong = None if again.code == 0 else "the next run fails"
    tally.count(again, wrong, place.half(), place.left())
    return tally


def kills_of_sets(place: Place, chance: random.Random, count: int) -> Tally:
    tally = Tally("`localize` over an older set killed (-9)", "the four files are of one run")
    for _ in range(count):
        for path in place.older.iterdir():
            shutil.copyfile(path, place.folder / path.name)
        # The renames come last, and a moment among them is what can go wrong.
        after = (1 - 0.3 * chance.random() ** 2) * place.seconds_localize
        ended = run(place.localize(place.labels[1]), place.at, after=after)
        mixed = place.set() not in (place.old, place.new)
        tally.count(ended, "files of two runs" if mixed else None, place.changed())
    again = run(place.localize(place.labels[1]), place.at)
    tally.count(again, None if place.set() == place.new else "the next run fails", place.left())
    return tally


def _signal(which: int, pid: int) -> None:
    os.kill(pid, which)


def interrupts(place: Place, chance: random.Random, count: int) -> Tally:
    promise = "exit 130 and one line that is true, or done; nothing half-written, nothing left"
    tally = Tally("Ctrl-C and SIGTERM", promise)
    place.clear()
    for i in range(count):
        which = (signal.SIGINT, signal.SIGTERM)[i % 2]
        place.out.unlink(missing_ok=True)
        ended = run(
            place.impute(),
            place.at,
            # Before the command line has begun nothing but Python itself could answer.
            after=0.3 + chance.random() * place.seconds,
            strike=partial(_signal, which),
        )
        wrong = None if ended.code in (0, 130) else "neither done nor interrupted"
        loud = "a traceback" if "Traceback" in ended.said else None
        truth = said_truth(ended, place.out.exists())
        tally.count(ended, wrong, loud, truth, place.half(), place.left())
    return tally


def full_disks(place: Place, chance: random.Random, count: int) -> Tally:
    promise = "exit 2, nothing half-written, an older output stays"
    tally = Tally("no room: files may not grow beyond a limit", promise)
    place.clear()
    size = place.out.stat().st_size if place.out.exists() else 600_000
    for i in range(count):
        allowed = int(chance.random() * size * 1.2)
        if i % 2:
            place.out.unlink(missing_ok=True)
        else:
            run(place.impute(), place.at)
        ended = run(
            place.impute(),
            place.at,
            limit=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (allowed, allowed)),
        )
        wrong = None if ended.code in (0, 2) else "called a bug"
        gone = "the older output is gone" if not i % 2 and not place.out.exists() else None
        tally.count(ended, wrong, gone, place.half(), place.left(), place.changed())
    return tally


def _starve(more: int) -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + more, taken + more))


def short_memory(place: Place, chance: random.Random, count: int) -> Tally:
    promise = "done with smaller tiles, or exit 2 and a sentence about memory"
    tally = Tally("2 to 200 MB of memory more than the loaded program", promise)
    place.clear()
    for i in range(count):
        more = int(2e6 * 100 ** chance.random())
        place.out.unlink(missing_ok=True)
        words = [place.impute(), place.impute()[:6], place.localize(place.labels[0])][i % 3]
        ended = run(words, place.at, limit=partial(_starve, more))
        wrong = None if ended.code in (0, 2) else f"called a bug at {more >> 20} MB"
        silent = ended.code == 2 and "memory" not in ended.said.lower()
        tally.count(ended, wrong, "nothing about memory" if silent else None, place.left())
    return tally


def changed_sources(place: Place, chance: random.Random, count: int) -> Tally:
    promise = "done, or exit 2 with the file's name; no crash"
    tally = Tally("a source that is cut short or replaced while it is read", promise)
    whole = place.at / "large"
    whole.mkdir(exist_ok=True)
    source, out = whole / "large.ome.tif", whole / "o.ome.tif"
    data = np.random.default_rng(1).integers(1, 60000, (4, 3000, 3000), np.uint16)
    channels = tuple(Channel(role, role) for role in ROLES)
    mask = np.zeros((3000, 3000), np.uint8)
    mask[2000:2060, 2000:2060] = 1
    tifffile.imwrite(whole / "mask.tif", mask)
    tifffile.imwrite(
        source,
        data,
        photometric="minisblack",
        metadata={"axes": "CYX", "Channel": {"Name": [c.name for c in channels]}},
    )
    sound = source.read_bytes()
    words = ["impute", source, "--out", out, "--missing", whole / "mask.tif"]
    words += ["--model", "prior", "--no-rehearse"]
    seconds = run(words, whole).seconds
    for i in range(count):
        source.write_bytes(sound)
        out.unlink(missing_ok=True)

        def strike(_pid: int, i: int = i) -> None:
            if i % 3 == 0:
                os.truncate(source, int(chance.random() * len(sound)))
            elif i % 3 == 1:
                source.write_bytes(chance.randbytes(4096))
            else:
                source.unlink()

        ended = run(words, whole, after=chance.random() * seconds, strike=strike)
        wrong = None if ended.code in (0, 2) else "a crash"
        names = ended.code != 2 or "large" in ended.said
        tally.count(ended, wrong, None if names else "the file is not named")
    return tally


def training(place: Place, chance: random.Random, count: int) -> Tally:
    promise = "`--resume` goes on and ends with the weights of a run that was not killed"
    tally = Tally("`train` killed (-9), resumed until done", promise)
    place.clear()
    recipe = place.at / "r.yaml"
    recipe.write_text(RECIPE.replace("SAMPLE", str(sample_path("dualgland_whole.ome.tif"))))
    whole = run(["train", recipe, "--out", place.at / "whole"], place.at)
    assert whole.code == 0, whole
    right = place.digest([place.at / "whole" / "small.safetensors"])
    for i in range(count):
        folder = place.at / f"run{i}"
        words: list[object] = ["train", recipe, "--out", folder]
        for _ in range(chance.choice((1, 2))):
            run(words, place.at, after=chance.random() * whole.seconds)
            words = ["train", recipe, "--out", folder, *(["--resume"] if folder.exists() else [])]
        ended = run(words, place.at)
        made = folder / "small.safetensors"
        same = made.exists() and place.digest([made]) == right
        tally.count(ended, None if ended.code == 0 and same else "other weights", place.left())
        shutil.rmtree(folder, ignore_errors=True)
    return tally


TRIALS: dict[str, tuple[Callable[[Place, random.Random, int], Tally], int]] = {
    "kill": (kills, 120),
    "set": (kills_of_sets, 60),
    "interrupt": (interrupts, 80),
    "disk": (full_disks, 60),
    "memory": (short_memory, 60),
    "source": (changed_sources, 30),
    "train": (training, 12),
}


def page(tallies: list[Tally]) -> str:
    """Return the table as Markdown."""
    lines = ["| fault | held if | tried | held | exit codes |", "|---|---|---|---|---|"]
    for one in tallies:
        ends = ", ".join(f"{code}: {n}" for code, n in sorted(one.ends.items()))
        held = one.tried - len(one.broken)
        lines.append(f"| {one.fault} | {one.promise} | {one.tried} | {held} | {ends} |")
    return "\n".join(lines) + "\n"


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=TRIALS)
    parser.add_argument("--share", type=float, default=1.0, help="of the trials")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="put the table into this page, at its marks")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(1)
    import dualgland_training.__main__  # noqa: F401  all is loaded before the first fork
    import napari_dualgland.localization.segmentation  # noqa: F401

    tallies = []
    with tempfile.TemporaryDirectory() as at:
        os.environ |= {"DUALGLAND_CACHE": f"{at}/cache", "DUALGLAND_MODELS": f"{at}/models"}
        place = Place(Path(at))
        for name in given.only or TRIALS:
            trials, count = TRIALS[name]
            tally = trials(place, random.Random(f"{name}:{given.seed}"), round(count * given.share))
            tallies.append(tally)
            counts = f"{tally.tried} tried, {len(tally.broken)} broken"
            _tell(f"{name}: {counts}, {tally.ends}")
            for what in tally.broken[:6]:
                _tell(f"    {what}")
    if given.out:
        text = given.out.read_text(encoding="utf-8")
        before, _, rest = text.partition("<!-- faults -->\n")
        _, _, after = rest.partition("<!-- end of faults -->")
        where = f"{processor_name()}, Python {platform.python_version()}"
        made = f"`python benchmarks/faults.py`, {where}."
        table = f"<!-- faults -->\n{page(tallies)}\n{made}\n<!-- end of faults -->"
        given.out.write_text(before + table + after, encoding="utf-8")
    _tell(json.dumps({one.fault: one.tried - len(one.broken) for one in tallies}, indent=1))
    sys.exit(any(one.broken for one in tallies))


if __name__ == "__main__":
    main()
