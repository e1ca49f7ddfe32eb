"""The schemas of the labelled updates: flat, nested, with options, dates, units and maps."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from usermemory.schema import Remember, Schema, schema_of


class Person(BaseModel):
    """What a general assistant remembers."""

    name: str | None = Field(None, description="The user's own name")
    age: int | None = Field(None, ge=0, le=150, description="The user's own age in years")
    city: str | None = Field(None, description="The city where the user lives now")
    job: str | None = Field(None, description="The user's current job")
    diet: str | None = Field(None, description="What the user does or does not eat")
    interests: list[str] = Field(
        default_factory=list, description="The user's hobbies and likes, one short item each"
    )
    core_memories: Annotated[list[str], Remember(about="anyone")] = Field(
        default_factory=list,
        description=(
            "Other important facts about the user's life, including family, friends and pets; "
            "one short sentence each"
        ),
    )


class Goal(BaseModel):
    """Something that the user trains for."""

    title: str
    deadline: date | None = None
    status: Literal["open", "done", "dropped"] = "open"


class Coachee(BaseModel):
    """What a coach for sports remembers."""

    name: str | None = None
    birthday: date | None = Field(None, description="The user's own date of birth")
    height_cm: int | None = Field(None, ge=50, le=250)
    weight_kg: float | None = Field(None, ge=20, le=300)
    level: Literal["beginner", "intermediate", "advanced"] | None = None
    goals: list[Goal] = Field(default_factory=list, description="what the user trains for")
    injuries: list[str] = Field(
        default_factory=list, description="injuries and pains that the user has now"
    )
    schedule: dict[str, str] = Field(
        default_factory=dict, description="weekday in English -> what the user trains that day"
    )
    food: str | None = Field(None, description="how the user eats, e.g. vegetarian")


class Address(BaseModel):
    """Where parcels go."""

    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = None


class Device(BaseModel):
    """Something that the customer owns."""

    name: str
    state: Literal["works", "broken", "in repair"] = "works"
    bought: date | None = None


class Customer(BaseModel):
    """What a shop's support remembers."""

    name: str | None = None
    address: Address = Field(default_factory=Address)
    plan: Literal["free", "plus", "business"] | None = None
    contact_by: Literal["mail", "phone", "chat"] | None = Field(
        None, description="how the customer wants to be reached"
    )
    devices: list[Device] = Field(default_factory=list, description="devices the customer owns")
    monthly_budget_eur: float | None = Field(None, ge=0)
    newsletter: bool | None = None
    open_issues: list[str] = Field(
        default_factory=list, description="problems that are not solved yet, one each"
    )


Language = Literal[
    "en", "de", "fr", "es", "it", "pt", "pl", "tr", "ar", "ru", "zh", "ja", "ko", "hi", "th"
]


class Trip(BaseModel):
    """A journey."""

    place: str
    start: date | None = None
    state: Literal["planned", "booked", "over"] = "planned"


class Traveller(BaseModel):
    """What a travel assistant remembers."""

    home: str | None = Field(None, description="where the user lives")
    languages: list[Language] = Field(
        default_factory=list, description="languages that the user speaks, as ISO codes"
    )
    trips: list[Trip] = Field(default_factory=list)
    dislikes: list[str] = Field(default_factory=list, description="what the user wants to avoid")
    companions: Annotated[dict[str, str], Remember(about="anyone")] = Field(
        default_factory=dict, description="who travels with the user: name -> relation and needs"
    )
    passport_until: date | None = None
    seat: Literal["window", "aisle"] | None = None
    notes: Annotated[list[str], Remember(about="anyone")] = Field(default_factory=list)


SCHEMAS: dict[str, Schema] = {
    kind.__name__: schema_of(kind) for kind in (Person, Coachee, Customer, Traveller)
}
