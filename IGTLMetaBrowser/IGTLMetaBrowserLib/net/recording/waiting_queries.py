"""The queries of a recorded conversation that wait for an answer, and which a message answers."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import lru_cache

Key = tuple[str, str, bytes]
"""Type, device name and content of a query."""

_ANY = None


@dataclass(eq=False)
class WaitingQuery:
    """A query, when it was asked, and what has come for it: messages, with the seconds since."""

    key: Key
    seconds: float
    answer: list[tuple[float, bytes]] = field(default_factory=list)
    number: int = 0
    is_answered: bool = False


class WaitingQueries:
    """Finds the oldest query that a message can answer, however many wait for nothing.

    Each query waits in four queues: by type, of all types, and in each case under its device name
    and under any. It leaves a queue when it is answered and first there: so each is looked at
    once for each queue, and not once for each message.
    """

    def __init__(self) -> None:
        self._queues: defaultdict[tuple[str | None, str | None], deque[WaitingQuery]] = defaultdict(
            deque
        )
        # What they wait for: in most streams nobody waits for what comes.
        self._kinds: set[str | None] = set()
        self._count = 0

    def add(self, asked: WaitingQuery) -> None:
        """Let one wait, until its ``is_answered`` is set."""
        asked.number = self._count = self._count + 1
        type_name, device_name, _ = asked.key
        for kind in (_type_of_answer(type_name), _ANY):
            self._kinds.add(kind)
            for name in (device_name, _ANY):
                self._queues[kind, name].append(asked)

    def oldest_for(self, type_name: str, device_name: str) -> WaitingQuery | None:
        """Return the oldest that such a message can answer; one of its name before others."""
        kinds = self._kinds & _kinds(type_name)
        for name in (device_name, _ANY) if kinds else ():
            first = [asked for kind in kinds if (asked := self._first(kind, name))]
            if first:
                return min(first, key=lambda asked: asked.number)
        return None

    def _first(self, kind: str | None, name: str | None) -> WaitingQuery | None:
        queue = self._queues.get((kind, name))
        while queue and queue[0].is_answered:
            queue.popleft()
        return queue[0] if queue else None


def _type_of_answer(query_type: str) -> str:
    return query_type[4:]  # without GET_, STT_ or STP_


@lru_cache(maxsize=256)  # the same few types come with every message of a stream
def _kinds(type_name: str) -> frozenset[str | None]:
    """Return which queries a message can answer: STATUS any, IMAGE those for IMAGE, or IMAG."""
    if type_name == "STATUS":
        return frozenset([_ANY])
    answered = type_name.removeprefix("RTS_")
    # GET_TRAJ is answered by TRAJ, or TRAJECTORY.
    return frozenset(answered[:length] for length in range(1, len(answered) + 1))
