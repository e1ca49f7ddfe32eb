"""Any schema of a profile: its fields, its empty document, and what a model is asked for."""

from usermemory.schema.fields import Field, Remember, UserProfile
from usermemory.schema.schema import Schema, schema_of

__all__ = ["Field", "Remember", "Schema", "UserProfile", "schema_of"]
