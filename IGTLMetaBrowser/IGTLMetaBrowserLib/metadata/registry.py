"""A registry of metadata providers: all that is known of an image, whoever knows it.

A provider is any callable ``provider(type, *queries)``. It returns what it knows of the image that
the query names, a *module* of that type, or ``NOTHING``. A module is a record of ``modules``, or a
mapping from DICOM keywords to values; ``modules`` also lists the types, but any text can be one.
The idea is Cornerstone's "metadata providers".

A script adds a provider of its own with a few lines::

    from IGTLMetaBrowserLib.metadata.modules import PATIENT_STUDY
    from IGTLMetaBrowserLib.metadata.registry import NOTHING, Priority
    from IGTLMetaBrowserLib.metadata.study_modules import PatientStudy

    weights = {"IMAGE_0": 71.5}  # kg

    def scales(type_, image_id):
        if type_ == PATIENT_STUDY and image_id in weights:
            return PatientStudy(PatientWeight=weights[image_id])
        return NOTHING

    providers.add_provider(scales, Priority.MESSAGE)
    providers.get(PATIENT_STUDY, "IMAGE_0").PatientWeight

``providers`` is a ``MetadataProviders``; a browser has one as ``browser.metadata``. The function's
name is shown beside its values (or its ``name``, if it has one). Answers of a function are asked
for each time. Those of an ``ObservableProvider`` are kept: derive from it, and call
``notify_changed(image_id)`` when they change. Answers are shared, so nobody may change them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator
from enum import Enum, IntEnum
from typing import Any, Final, NamedTuple

from .answer_cache import AnswerCache
from .observable import ObservableProvider
from .values import is_known, module_items

_logger = logging.getLogger(__name__)

MOST_ANSWERS = 1_000_000
"""How many answers a registry keeps: ten modules of 100,000 images, or about 250 MB."""


class _Nothing(Enum):
    NOTHING = "nothing"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = _Nothing.NOTHING
"""The answer of who does not know. None is a real answer."""

Provider = Callable[..., Any]


class Priority(IntEnum):
    """The priorities of the providers that ship."""

    COMPUTED = -10
    LIST = 0
    DICOM = 5
    MESSAGE = 10
    USER = 100
    CALIBRATION = 110


class KnownValue(NamedTuple):
    """A value, the provider that gave it, and the type of the module that it is in."""

    value: Any
    provider: Provider
    type_: str


class _Entry(NamedTuple):
    priority: float
    provider: Provider
    is_observable: bool


def provider_name(provider: Provider) -> str:
    """Return what a provider is called: its ``name``, or that of the function or class."""
    name = getattr(provider, "name", "") or getattr(provider, "__name__", "")
    return str(name or type(provider).__name__)


class MetadataProviders:
    """Asks providers in turn: the highest priority first, among equals the newest.

    A provider may itself ask the registry. It is passed over if the same is asked of it while
    it is answering.
    """

    def __init__(self, most_answers: int = MOST_ANSWERS) -> None:
        self._entries: list[_Entry] = []
        self._cache = AnswerCache(most_answers)
        self._open_questions: list[tuple[Provider, str, Hashable]] = []

    def add_provider(self, provider: Provider, priority: float = 0) -> None:
        """Add a provider. One that is there already stays as it is."""
        if any(entry.provider == provider for entry in self._entries):
            return
        is_observable = isinstance(provider, ObservableProvider)
        place = sum(entry.priority > priority for entry in self._entries)
        self._entries.insert(place, _Entry(priority, provider, is_observable))
        if is_observable:
            provider.changed.connect(self._cache.drop)
        self._cache.drop(None)

    def remove_provider(self, provider: Provider) -> None:
        """Remove a provider, if it is there."""
        for entry in self._entries:
            if entry.provider == provider and entry.is_observable:
                entry.provider.changed.disconnect(self._cache.drop)
        self._entries = [entry for entry in self._entries if entry.provider != provider]
        self._cache.drop(None)

    def remove_all_providers(self) -> None:
        """Remove all providers."""
        for entry in self._entries:
            self.remove_provider(entry.provider)

    def get(self, type_: str, *queries: Hashable) -> Any:
        """Return the first answer that is not ``NOTHING``, or ``NOTHING``.

        ``queries`` are ways to name the image, for example its id and its SeriesInstanceUID. Each
        provider is asked with each of them. A provider that raises is reported and passed over.
        The answer is that of one provider, whole; ``modules.known_module`` takes each field from
        the first that knows it.
        """
        try:
            answer = self._cache.answers[queries][type_]
        except (KeyError, TypeError):  # a TypeError: a query that cannot be hashed
            return self._make(type_, queries)
        if self._cache.making:
            self._cache.on_asked(queries)
        return answer

    def answers(self, type_: str, *queries: Hashable) -> Iterator[Any]:
        """Yield the answer of each provider that has one, in the order in which they are asked."""
        return (answer for _, answer in self.answers_and_providers(type_, *queries))

    def answers_and_providers(
        self, type_: str, *queries: Hashable
    ) -> Iterator[tuple[Provider, Any]]:
        """Yield each provider that has an answer, and the answer, in the order of asking."""
        self._cache.on_asked(queries)
        for _, provider, is_observable in tuple(self._entries):
            if not is_observable and self._cache.making:
                self._cache.on_unobservable()
            answer = self._ask(provider, type_, queries)
            if answer is not NOTHING:
                yield provider, answer

    def get_normalized(self, image: Hashable, types: Iterable[str]) -> dict[str, KnownValue]:
        """Return what is known of an image as one flat set: values by DICOM keyword.

        Within a type, a value comes from the first provider that knows it. If several types
        have a keyword, the later one's value counts.
        """
        normalized: dict[str, KnownValue] = {}
        for type_ in types:
            known: dict[str, KnownValue] = {}
            for provider, module in self.answers_and_providers(type_, image):
                for keyword, value in module_items(module):
                    if is_known(value) and keyword not in known:
                        known[keyword] = KnownValue(value, provider, type_)
            normalized |= known
        return normalized

    def _make(self, type_: str, queries: tuple[Hashable, ...]) -> Any:
        self._cache.on_asked(queries)
        self._cache.begin(len(self._open_questions))
        try:
            _, answer = next(self.answers_and_providers(type_, *queries), (None, NOTHING))
        except BaseException:
            self._cache.abandon()
            raise
        self._cache.end(queries, type_, answer)
        return answer

    def _ask(self, provider: Provider, type_: str, queries: tuple[Hashable, ...]) -> Any:
        """Return the answer of one provider to the first of the queries that it can answer."""
        questions = self._open_questions
        for query in queries:
            question = (provider, type_, query)
            if questions and question in questions:
                self._cache.on_skipped(questions.index(question))
                continue
            questions.append(question)
            try:
                answer = provider(type_, query)
            except Exception:
                # Providers are anybody's: one that fails must not hide what all others know.
                self._cache.on_unobservable()  # it may be well again the next time
                _logger.exception("the metadata provider %r failed for %s", provider, type_)
                return NOTHING
            finally:
                questions.pop()
            if answer is not NOTHING:
                return answer
        return NOTHING
