"""Examples for models that need them: small ones, which copy a form better than they follow rules.

They are of a little profile of their own, the same for every schema: examples derived from a schema
at hand read oddly ("my height cm is 2"), and a large model learns more without any (see the bench).
"""

from __future__ import annotations

from usermemory.prompt.example import Example
from usermemory.records import Change, Message

EXAMPLES = (
    Example(
        profile={"town": "Ghent"},
        messages=(
            Message("user", "What would you cook for a vegan who hates onions?"),
            Message("assistant", "A lentil curry. I love curry myself!"),
            Message("user", "haha thanks, you should open a restaurant"),
        ),
    ),
    Example(
        profile={"town": "Graz", "pets": ["a cat called Musse"]},
        messages=(
            Message("assistant", "Do you still live in Graz?"),
            Message("user", "No, I moved to Ghent in May. Musse died, so it's quiet at home."),
            Message("assistant", "I'm sorry. Who looks after you?"),
            Message("user", "My sister Ida, she's vegan. I eat everything, and I got a puppy, Bo!"),
        ),
        changes=(
            Change("town", "set", "Ghent", "I moved to Ghent"),
            Change("pets", "remove", "a cat called Musse", "Musse died"),
            Change("people", "add", "Sister Ida is vegan", "My sister Ida, she's vegan"),
            Change("diet", "set", "eats everything", "I eat everything"),
            Change("pets", "add", "a puppy called Bo", "I got a puppy, Bo"),
        ),
    ),
)
"""The most telling one last."""
