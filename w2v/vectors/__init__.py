"""Matrices to files and people: vector files, queries, evaluation."""
