"""Any schema of a profile: its fields, its empty document, and what a model is asked for."""

from usermemory.schema.field import Field
from usermemory.schema.profile import UserProfile
from usermemory.schema.schema import Schema
from usermemory.schema.settings import Remember
from usermemory.schema.source import schema_of

__all__ = ["Field", "Remember", "Schema", "UserProfile", "schema_of"]
