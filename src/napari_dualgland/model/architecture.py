"""How large a network may be that a card or a recipe states; read without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

WIDEST, DEEPEST = 4096, 64
"""Channels and blocks of a stage at most: far beyond what a workstation computes with."""

Width = Annotated[int, Field(gt=0, le=WIDEST)]
Depth = Annotated[int, Field(ge=0, le=DEEPEST)]
