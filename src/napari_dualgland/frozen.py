"""The base of every record that is parsed, passed on and written down."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """A pydantic model that never changes and knows all its fields; its numbers are finite.

    Raises
    ------
    pydantic.ValidationError
        For a field that it does not have, a value out of bounds, a number that is not finite,
        or a later change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
