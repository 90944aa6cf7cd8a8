"""All that is known of an image, row by row, with who knows it: for a panel or a table."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from .. import codec
from .modules import OTHER, RECORDS
from .registry import MetadataProviders, Provider, provider_name
from .values import are_alike, as_text, is_known, module_items

_logger = logging.getLogger(__name__)


class OtherValue(NamedTuple):
    """What another provider says instead, and the name of that provider."""

    value: str
    provider: str


class _ShownValue(NamedTuple):
    value: Any
    text: str
    provider: Provider


class DetailRow(NamedTuple):
    """One value that is known of an image.

    ``module`` is the type, as in ``imagePlane``; ``keyword`` the DICOM keyword; ``value`` what
    counts, as a text that can be shown in a line; ``provider`` the name of who gave it;
    ``conflicts`` what other providers say that is not the same, the most important first.
    """

    module: str
    keyword: str
    value: str
    provider: str
    conflicts: tuple[OtherValue, ...]

    @property
    def text(self) -> str:
        """All that can be searched for."""
        others = (text for other in self.conflicts for text in other)
        return "\n".join((*self[:4], *others))


def detail_rows(providers: MetadataProviders, image: Hashable) -> list[DetailRow]:
    """Return what is known of an image, module by module, each in the order of its fields."""
    types = (*RECORDS, OTHER)
    return [row for type_ in types for row in _rows_of_module(providers, image, type_)]


def _rows_of_module(providers: MetadataProviders, image: Hashable, type_: str) -> list[DetailRow]:
    known: dict[str, list[_ShownValue]] = {}
    for provider, module in providers.answers_and_providers(type_, image):
        for keyword, value in _shown_items(provider, module):
            known.setdefault(keyword, []).append(value)
    order = list(getattr(RECORDS.get(type_), "__dataclass_fields__", ()))
    keywords = [*filter(known.__contains__, order), *(k for k in known if k not in order)]
    return [_row(type_, keyword, known[keyword]) for keyword in keywords]


def _shown_items(provider: Provider, module: Any) -> list[tuple[str, _ShownValue]]:
    """Return the values of a provider that are known, by keyword; none if it cannot be.

    Providers are anybody's: what one says must not hide what all others know.
    """
    try:
        return [
            (
                codec.printable(keyword),
                _ShownValue(value, codec.printable(as_text(value)), provider),
            )
            for keyword, value in module_items(module)
            if is_known(value)
        ]
    except Exception:
        _logger.exception("what the metadata provider %r says cannot be shown", provider)
        return []


def _row(type_: str, keyword: str, known: Sequence[_ShownValue]) -> DetailRow:
    first, *others = known
    conflicts = tuple(
        OtherValue(other.text, provider_name(other.provider))
        for other in others
        if not are_alike(_compared(keyword, first.value), _compared(keyword, other.value))
    )
    return DetailRow(type_, keyword, first.text, provider_name(first.provider), conflicts)


def _compared(keyword: str, value: Any) -> Any:
    """Return of a person's name its first spelling: a list has no other (PS3.5 6.2.1)."""
    is_name = keyword.endswith("Name") and isinstance(value, str)
    return value.partition("=")[0] if is_name else value
