"""The command line: the only part that prints, exits, or imports click."""
