"""Text to ids: sources, the encoder, the vocabulary."""
