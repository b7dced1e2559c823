"""The base of every record that is parsed, passed on and written down."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class FrozenModel(BaseModel):
    """A pydantic model that never changes and knows all its fields; its numbers are finite.

    Raises
    ------
    pydantic.ValidationError
        For a field that it does not have, a value out of bounds, a number that is not finite,
        or a later change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return at which field a record was refused first, and why."""
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"]
