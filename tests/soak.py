"""How long tests that kill in a loop go on: as usual, or many times longer by `make soak`."""

import os


def rounds(usual: int) -> int:
    """``usual`` times SOAK_TIMES, which is 1 unless set. Raises ValueError if it is no number."""
    return usual * max(1, int(os.environ.get("SOAK_TIMES", "1")))
