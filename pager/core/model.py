"""What people write in YAML: frozen models that refuse unknown keys."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of everything that stands in a config file."""

    # What a document needs is built when the first is read, once for the whole of it and not again for each part.
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, str_strip_whitespace=True, defer_build=True
    )
