"""The base of every piece of the record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen piece of the record; unknown keys are errors and NaN is never written."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
