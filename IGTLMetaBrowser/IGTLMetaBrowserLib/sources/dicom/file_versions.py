"""The versions of the files of an image; found out in turns."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from ...file_version import FileVersion, version_of
from ...net.source import NotReadyError
from ..begun_work import BegunWork
from ..turn_clock import TurnClock

# A server asks at each query, and whenever a client leaves. A list is believed for as long.
_SECONDS_BELIEVED = 1.0
# Images whose files are looked at, or were a moment ago.
_MOST_IMAGES = 64

Versions = tuple[FileVersion, ...]
# The versions of the first files, and the others.
_Looked = tuple[list[FileVersion], Iterator[Path]]


class FileVersions:
    """Looks at files for ``seconds_a_turn``, or without stopping if that is None.

    In a server, whose others wait meanwhile, what was found is believed for a second: 1,000 files
    of a network share can take as long. Otherwise they are looked at each time.
    """

    def __init__(self, seconds_a_turn: float | None, clock: TurnClock | None = None) -> None:
        self._seconds_a_turn = seconds_a_turn
        self._clock = clock or TurnClock()
        self._found: dict[Hashable, tuple[float, Versions]] = {}
        self._begun: BegunWork[_Looked] = BegunWork(_MOST_IMAGES, self._clock)

    def of(self, key: Hashable, paths: Sequence[Path]) -> Versions:
        """Return the versions of the files of the image that is known by ``key``.

        Raises ``NotReadyError`` if another turn is needed.
        """
        if self._seconds_a_turn is None:
            return tuple(map(version_at, paths))
        with self._clock.turn():
            return self._look_on(key, paths, self._seconds_a_turn)

    def _look_on(self, key: Hashable, paths: Sequence[Path], seconds: float) -> Versions:
        now = time.monotonic()
        since, version = self._found.get(key, (0.0, ()))
        if len(version) == len(paths) and now - since < _SECONDS_BELIEVED:
            return version
        begun = self._begun.take(key)
        if begun is None:
            self._begun.make_room()
        versions, rest = begun or ([], iter(paths))
        for path in rest:
            versions.append(version_at(path))
            if time.monotonic() - now > seconds and len(versions) < len(paths):
                self._begun.keep(key, (versions, rest), is_awaited=True)
                raise NotReadyError
        while len(self._found) >= _MOST_IMAGES:
            del self._found[next(iter(self._found))]
        self._found[key] = (time.monotonic(), tuple(versions))
        return tuple(versions)


def version_at(path: Path) -> FileVersion:
    """Return the version of a file; that of none if it is gone, as reading it tells."""
    try:
        return version_of(path.stat())
    except OSError:
        return FileVersion(-1)
