"""What scripts/fuzz.py runs: targets, their seeds, and coverage of the compiled modules."""
