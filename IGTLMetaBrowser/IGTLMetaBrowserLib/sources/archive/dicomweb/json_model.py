"""Data sets in the DICOM JSON model (PS3.18 F.2), parsed one after the other.

Python's parser lets nobody else go on before it ends, which takes 0.2 to 0.5 s for a page of 5,000
series, and minutes for brackets alone.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ....dicom_index.fields import without_padding
from ..archive import KEYWORDS, Series

_logger = logging.getLogger(__name__)

# Characters: of what one series says, and at most. Of brackets alone, so many take 35 ms.
_USUAL = 8 << 10
_MOST = 256 << 10

_BEGIN = re.compile(r"\s*\[\s*")
_BETWEEN = re.compile(r"\s*,\s*")
_END = re.compile(r"\s*\]\s*\Z")
_decode = json.JSONDecoder().raw_decode


def parsed_list(text: str) -> Any:
    """Return what a text says; some archives send one data set that is in no list.

    Raises ``ValueError``, or ``RecursionError`` if it is nested too deep.
    """
    begin = _BEGIN.match(text)
    if begin is None:
        return _item_at(text.strip(), 0)[0]
    found: list[Any] = []
    place = begin.end()
    while not _END.match(text, place):
        if found:
            place = _end_of(_BETWEEN, text, place)
        item, place = _item_at(text, place)
        found.append(item)
    return found


def _item_at(text: str, place: int) -> tuple[Any, int]:
    """Return what begins there, and where it ends. Raises as ``parsed_list`` does."""
    for size in (_USUAL, _MOST):
        piece = text[place : place + size]
        try:
            item, length = _decode(piece)
        except json.JSONDecodeError:
            if len(piece) < size:  # there is no more
                raise
        else:
            return item, place + length
    raise ValueError(f"a data set of more than {_MOST >> 10} KiB, or what is no JSON")


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    if found is None:
        raise json.JSONDecodeError("neither , nor ]", text, place)
    return found.end()


def series_in(records: Sequence[Any]) -> list[Series]:
    """Return the series of a list; those that make no sense do not keep the others from clients.

    Raises ``ValueError`` if none makes sense.
    """
    found, reason = [], ""
    for record in records:
        try:
            found.append(_series_of(record))
        except ValueError as error:
            reason = str(error)
    if reason and not found:
        raise ValueError(reason)
    if reason:
        _logger.warning("%d of the archive's series are left out", len(records) - len(found))
    return found


def _series_of(record: Any) -> Series:
    """Return the series that a data set describes. Raises ``ValueError`` if it describes none."""
    if not isinstance(record, Mapping):
        raise ValueError("a list of something else than data sets")
    series = Series(values_of(record, KEYWORDS))
    if not series.uid or not series["StudyInstanceUID"]:
        raise ValueError("a series without its UIDs")
    return series


def values_of(record: Mapping[str, Any], keywords: Sequence[str]) -> dict[str, str]:
    """Return the values that a data set has of these attributes, each as a file would have it."""
    values = {keyword: _text(record.get(_tag(keyword), {})) for keyword in keywords}
    return {keyword: text for keyword, text in values.items() if text}


@cache
def _tag(keyword: str) -> str:
    from pydicom.datadict import tag_for_keyword

    return f"{tag_for_keyword(keyword):08X}"


def _text(element: Any) -> str:
    """Return a value of the DICOM JSON model as a file would have it; empty if it is none."""
    values = element.get("Value") if isinstance(element, Mapping) else None
    return "\\".join(map(_one_text, values)) if isinstance(values, list) else ""


def _one_text(value: Any) -> str:
    if isinstance(value, Mapping):  # a person's name, in up to three alphabets
        groups = [
            str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")
        ]
        return "=".join(map(without_padding, groups)).rstrip("=")
    return "" if value is None else without_padding(str(value))
