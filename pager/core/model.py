"""What people write in YAML: frozen models that refuse unknown keys."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of everything that stands in a config file."""

    # What a model needs is built with the first that is read, once for the whole document: half of every start else.
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, str_strip_whitespace=True, defer_build=True
    )
