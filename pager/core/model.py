"""What people write in YAML: frozen models that refuse unknown keys."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of everything that stands in a config file."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, str_strip_whitespace=True)
