"""One folder an item type. See ``base`` for what a type provides."""
