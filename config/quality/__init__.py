"""What keeps the code in order: `make check`."""
