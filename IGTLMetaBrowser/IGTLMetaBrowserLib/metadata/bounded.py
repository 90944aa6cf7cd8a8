"""A store that does not grow for ever: the oldest makes room for the newest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Keeps values up to a total weight of ``most``; without ``weigh``, each weighs 1.

    The newest value is kept whatever it weighs.
    """

    def __init__(self, most: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._values: dict[Key, Value] = {}
        self._weight = 0

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._values)

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def get(self, key: Key) -> Value | None:
        """Return the value of a key, or None."""
        return self._values.get(key)

    def keep(self, key: Key, value: Value) -> list[Key]:
        """Keep a value as the newest; return the keys of those that were forgotten for it."""
        self.forget(key)
        self._values[key] = value
        self._weight += self._weigh(value)
        forgotten = []
        while self._weight > self._most and len(self._values) > 1:
            oldest = next(iter(self._values))
            self.forget(oldest)
            forgotten.append(oldest)
        return forgotten

    def forget(self, key: Key) -> bool:
        """Forget the value of a key; return whether there was one."""
        if key not in self._values:
            return False
        self._weight -= self._weigh(self._values.pop(key))
        return True

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
        self._weight = 0
