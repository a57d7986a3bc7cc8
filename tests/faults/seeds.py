"""Chances that can be had again: a seed is drawn, shown when the test fails, and taken from the environment."""

import os
import random
import sys


def new_seed() -> int:
    """A new seed, or the one that `SEED` names."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**31))
    sys.stderr.write(f"seed {seed}: SEED={seed} runs it again\n")
    return seed
