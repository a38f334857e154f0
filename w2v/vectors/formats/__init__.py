"""One file a format; which one a file is in is told by its content."""
