"""A small world and the sentences told of it; `scripts/make_world.py` makes the sample corpus from it."""
