"""A registry of metadata providers.

A provider is any callable ``provider(type, *queries)`` that knows something of images: it
returns the module of that type (see ``modules``) for the image named by the queries, or
``NOTHING`` where it has none. The idea is Cornerstone's "metadata providers".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

_logger = logging.getLogger(__name__)


class _Nothing(Enum):
    NOTHING = "nothing"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = _Nothing.NOTHING
"""The answer of who does not know. None is a real answer."""

Provider = Callable[..., Any]


class MetadataProviders:
    """Asks providers in turn: the highest priority first, among equals the newest."""

    def __init__(self) -> None:
        self._providers: list[tuple[float, Provider]] = []

    def add_provider(self, provider: Provider, priority: float = 0) -> None:
        """Add a provider. One that is there already stays as it is."""
        if any(known == provider for _, known in self._providers):
            return
        place = sum(known_priority > priority for known_priority, _ in self._providers)
        self._providers.insert(place, (priority, provider))

    def remove_provider(self, provider: Provider) -> None:
        """Remove a provider, where it is there."""
        self._providers = [entry for entry in self._providers if entry[1] != provider]

    def remove_all_providers(self) -> None:
        """Remove all providers."""
        self._providers.clear()

    def get(self, type_: str, *queries: Any) -> Any:
        """Return the first answer that is not ``NOTHING``, or ``NOTHING``.

        ``queries`` are ways to name the image, for example its id and its SeriesInstanceUID. Each
        provider is asked with each of them. A provider that raises is reported and passed over.
        """
        return next(self.answers(type_, *queries), NOTHING)

    def answers(self, type_: str, *queries: Any) -> Iterator[Any]:
        """Yield the answer of each provider that has one, in the order in which they are asked."""
        for _, provider in self._providers:
            for query in queries:
                try:
                    answer = provider(type_, query)
                except Exception:
                    _logger.exception("the metadata provider %r failed for %s", provider, type_)
                    break
                if answer is not NOTHING:
                    yield answer
                    break
