"""How much memory Python keeps of what is done again and again."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

_BEFORE, _ROUNDS = 40, 200


def bytes_kept(do: Callable[[int], None]) -> float:
    """Do something with ever new numbers; return how many bytes each time adds.

    Up to 100 are of VTK, which lets go of its Python objects from time to time.
    """
    for number in range(_BEFORE):  # what is made once
        do(number)
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(_BEFORE, _BEFORE + _ROUNDS):
            do(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / _ROUNDS
