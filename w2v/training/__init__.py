"""Ids to matrices: settings, the trainer, what is kept and measured on the way."""
