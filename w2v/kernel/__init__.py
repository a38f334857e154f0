"""Ids and rows to changed rows: the training loop, its tables, and the memory that it works on."""
