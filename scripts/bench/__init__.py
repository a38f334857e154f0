"""The rows of bench.py, by subject; results.json holds what the docs quote."""
