"""Vector files as they are found: what is wrong with them, and their good rows."""
