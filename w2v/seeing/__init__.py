"""Pictures and pages: vectors as coloured cells, words as a map, a run as curves, a page to explore."""
