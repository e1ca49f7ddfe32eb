"""Every operation of the store, once, as flows: generators that know nothing of databases."""
