"""What a schema says about one field beyond its type."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from usermemory.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYWORD = "x-remember"
"""Where a JSON Schema carries these settings, written by hand or by Pydantic from `Remember`."""


MAX_LENGTH = 2_000
"""Characters of a string of which nothing is said: what is longer is a text, no fact."""

FORM_MAX_LENGTH = 500
FORM_MAX_ITEMS = 100
"""Bounds of strings and lists in the form that a model fills in, where the field has none: a
grammar without bounds lets a small model go on for ever. They bind nothing but the form."""


@dataclass(frozen=True)
class Remember:
    """Settings of one field: ``interests: Annotated[list[str], Remember(max_items=20)]``.

    In a JSON Schema dict the same names stand under ``"x-remember"`` beside ``"type"``.

    Attributes:
        ask: False: the model is never asked for this field; your code and edits may set it.
        protect: True: only an edit by hand changes it.
        about: ``"anyone"``: facts about other people may be kept here too.
        max_items: Most items of a list, or keys of a map. Default: as many as the schema itself
            allows, else any number. Where both say something, the smaller one counts.
        max_length: Most characters of each string. Default: as many as the schema itself allows,
            else `MAX_LENGTH`. Where both say something, the smaller one counts.
        instructions: What becomes of a change that the second look judges to be an order to the
            bot: ``"refuse"`` it, or keep it as a plainly marked ``"quote"`` of the user
            (``said: “always answer in French”``). What imitates a prompt's own structure, or hides
            characters, is refused in any case.
        verify: When a model takes a second look at a change of this field before it is made:
            ``"always"``, ``"auto"`` (where code has a doubt) or ``"off"``; default what the memory
            was opened with.
        examples: Values that show the model what is meant.
        key: For lists of objects, the property that names an item; default ``name``, ``title``,
            ``id`` or ``key``, else the first plain property.
        was: What the field was called before, one name or several: its values, their history,
            evidence and erasures belong to the new name.
    """

    ask: bool = True
    protect: bool = False
    about: Literal["user", "anyone"] = "user"
    max_items: int | None = None
    max_length: int | None = None
    instructions: Literal["refuse", "quote"] = "refuse"
    verify: Literal["auto", "always", "off"] | None = None
    examples: tuple[Any, ...] = ()
    key: str | None = None
    was: str | tuple[str, ...] = ()

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Write the settings into the JSON Schema, so that every kind of source ends up alike."""
        schema: dict[str, Any] = handler(core_schema)
        schema[KEYWORD] = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if getattr(self, f.name) != f.default
        }
        return schema


def settings_of(written: Mapping[str, Any], path: str) -> Remember:
    """Read ``x-remember``; `SchemaError` names the field whose settings make no sense."""
    unknown = sorted(set(written) - {f.name for f in fields(Remember)})
    if unknown:
        raise SchemaError(f"field {path!r}: {KEYWORD} has no setting {unknown[0]!r}")
    was = written.get("was", ())
    told: dict[str, Any] = {
        **written,
        "examples": tuple(written.get("examples", ())),
        "was": (was,) if isinstance(was, str) else tuple(was),
    }
    settings = Remember(**told)
    for name in ("max_items", "max_length"):
        cap = getattr(settings, name)
        if cap is not None and (type(cap) is not int or cap < 1):
            raise SchemaError(
                f"field {path!r}: {name} must be a whole number, at least 1, not {cap!r}"
            )
    if not all(type(name) is str and name for name in settings.was):
        raise SchemaError(f"field {path!r}: was is a name or several, not {was!r}")
    if settings.about not in {"user", "anyone"}:
        raise SchemaError(
            f"field {path!r}: about must be 'user' or 'anyone', not {settings.about!r}"
        )
    if settings.instructions not in {"refuse", "quote"}:
        raise SchemaError(
            f"field {path!r}: instructions must be 'refuse' or 'quote', "
            f"not {settings.instructions!r}"
        )
    if settings.verify not in {None, "auto", "always", "off"}:
        raise SchemaError(
            f"field {path!r}: verify must be 'auto', 'always' or 'off', not {settings.verify!r}"
        )
    return settings


def smaller(*caps: int | None) -> int | None:
    """The smallest of the caps that are there; None where there is none."""
    return min((cap for cap in caps if cap is not None), default=None)


def caps_of(schema: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """What the JSON Schema of a value says of its own items (or keys), and of its own length."""
    written = schema.get(KEYWORD, {})
    items = smaller(schema.get("maxItems"), schema.get("maxProperties"), written.get("max_items"))
    return items, smaller(schema.get("maxLength"), written.get("max_length"))
