"""Names that vulture cannot see in use, each with the reason that it is alive. It only reads this file."""
