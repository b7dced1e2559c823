"""A small share of what ``fuzz.py`` tries, found and made small by hypothesis."""

from __future__ import annotations

import warnings

import pytest
from fuzz import spoil, verdict
from fuzz_mutations import Damage, damages
from fuzz_readers import READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SLOW = {"model", "model, hash renewed", "atlas download"}
"""Their files take long to copy or to compute; they get fewer inputs."""


@pytest.mark.parametrize("reader", READERS)
def test_damaged_files_are_refused_or_read_as_what_they_can_be(reader: str, tmp_path) -> None:
    (tmp_path / "seeds").mkdir()
    seeds = READERS[reader].seeds(tmp_path / "seeds")
    for seed in seeds:
        assert verdict(reader, spoil(seed, tmp_path / "input", (), 0)) == ("read", "")

    @settings(
        max_examples=8 if reader in SLOW else 40,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(seeds), damages, st.integers(0, 99))
    def holds(seed, done: tuple[Damage, ...], pick: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what other libraries say of damaged files
            how, what = verdict(reader, spoil(seed, tmp_path / "input", done, pick))
        assert how != "wrong", what

    holds()
