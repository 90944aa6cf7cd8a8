"""Who is served in one step of an event loop, when there is more to do than it has time for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class Served(Protocol):
    """Somebody who has turns; the number of the step with the last one is kept here."""

    served_in_step: int


AnyServed = TypeVar("AnyServed", bound=Served)


def in_turns(waiting: Iterable[AnyServed], step: int, seconds: float) -> Iterator[AnyServed]:
    """Yield those who wait, for about so many seconds; ``step`` is the number of this step.

    Who has waited longest comes first: one who asks now and then is not behind those who keep the
    loop busy. Who is not yielded waits for the next step. At least one is.
    """
    end = time.monotonic() + seconds
    for number, one in enumerate(sorted(waiting, key=lambda one: one.served_in_step)):
        if number and time.monotonic() >= end:
            return
        one.served_in_step = step
        yield one
