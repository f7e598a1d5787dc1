"""What every section of a configuration file is made of."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of every section: frozen, its numbers are finite, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
