"""Ids to matrices: settings, tables, kernels, the trainer."""
