"""Damage to the bytes of a file, as data: drawn at random by the script, by hypothesis in tests."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from hypothesis import strategies as st

INTERESTING = (0, 1, 2, 3, 7, 8, 9, 16, 32, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536)
INTERESTING += (2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
WORDS = (
    *(b"nan", b"-1", b"0", b"1e308", b"1e-308", b"-inf", b"99999999999999999999", b"0.5"),
    *(b"[]", b"{}", b"null", b"true", b'""', b"'", b'"', b"<", b"&x;", b"\x00", b"\x1b[2J"),
    *(b"\xff\xfe", b"\xe9", b"../../x", b"~nobody", b"%s", b"TZCYX", b"XYCZT", b"S", b"Q"),
    *(b"m", b"Mm", b"inch", b"\\u00b5m", b"\xc2\xb5m", b"pixel", b"furlong"),
)
_TOKEN = re.compile(rb"[0-9][0-9.eE+-]*|[A-Za-z\xc2\xb5]{1,24}")
HEAD = 600
"""Bytes; half of the damage falls on the first so many, where headers lie."""


@dataclass(frozen=True)
class Damage:
    """One damage; ``at`` is where, from 0 to 1, ``value`` chooses among what can be put there."""

    kind: str
    head: bool
    at: float
    size: int
    value: int


KINDS = ("flip", "byte", "integer", "cut", "drop", "double", "noise", "move", "token", "word")


def damaged(data: bytes, done: tuple[Damage, ...]) -> bytes:
    """Return the bytes with one damage after the other."""
    for damage in done:
        data = _damaged(data, damage)
    return data


def _damaged(data: bytes, how: Damage) -> bytes:
    reach = min(len(data), HEAD) if how.head else len(data)
    if not reach:
        return data
    at, chance = min(int(how.at * reach), reach - 1), random.Random(how.value)
    size = min(how.size, len(data) - at)
    if how.kind == "flip":
        return data[:at] + bytes([data[at] ^ (1 << how.value % 8)]) + data[at + 1 :]
    if how.kind == "byte":
        return data[:at] + bytes([how.value % 256]) + data[at + 1 :]
    if how.kind == "integer":
        width, order = 1 << how.value % 4, "big" if how.value & 4 else "little"
        number = INTERESTING[(how.value >> 3) % len(INTERESTING)] % 256**width
        return data[:at] + number.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]
    if how.kind == "cut":
        return data[:at]
    if how.kind == "drop":
        return data[:at] + data[at + size :]
    if how.kind == "double":
        return data[: at + size] + data[at:]
    if how.kind == "noise":
        return data[:at] + chance.randbytes(size) + data[at + size :]
    if how.kind == "move":
        to = chance.randrange(len(data))
        return data[:at] + data[to : to + size] + data[at + size :]
    if how.kind == "word":
        return data[:at] + WORDS[how.value % len(WORDS)] + data[at + size % 8 :]
    tokens = list(_TOKEN.finditer(data, 0, 20_000))
    if not tokens:
        return data
    token = tokens[min(int(how.at * len(tokens)), len(tokens) - 1)]
    return data[: token.start()] + WORDS[how.value % len(WORDS)] + data[token.end() :]


def drawn(chance: random.Random) -> tuple[Damage, ...]:
    """Return one to four damages."""
    return tuple(
        Damage(
            chance.choice(KINDS),
            chance.random() < 0.5,
            chance.random(),
            int(2 ** (8 * chance.random())),
            chance.randrange(2**16),
        )
        for _ in range(chance.choice((1, 1, 1, 2, 3, 4)))
    )


damages = st.lists(
    st.builds(
        Damage,
        st.sampled_from(KINDS),
        st.booleans(),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 256),
        st.integers(0, 2**16 - 1),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
