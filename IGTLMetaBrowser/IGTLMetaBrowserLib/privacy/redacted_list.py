"""A server's list of images, and the details of one, as they may be seen while patients are hidden.

A list may have 100,000 entries, so it is changed column by column; see ``hidden_patients``.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from .. import codec
from ..codec.messages.items import ItemTable
from ..metadata.details import DetailRow, OtherValue
from ..turns import at_once
from .hidden_patients import HIDDEN, HiddenPatients, RedactedList, is_identity

_ENTRIES_A_TURN = 100
_NAME_BYTES = codec.ImageMetaItem.columns["patient_name"].itemsize
_FREE_TEXTS = ("name", "modality", "id")


def register_patients(entries: Sequence[codec.ImageMetaItem], patients: HiddenPatients) -> None:
    """Remember all patients of a list."""
    at_once(register_some_patients(entries, patients))


def register_some_patients(
    entries: Sequence[codec.ImageMetaItem], patients: HiddenPatients
) -> Iterator[None]:
    """Remember the patients of a list, with a pause after some: each takes 20 µs."""
    if patients.last_list is not None and patients.last_list() is entries:
        return
    if not isinstance(entries, ItemTable):
        for entry in entries:
            patients.register(entry.patient_name, entry.patient_id)
        return
    known: set[bytes] = set()
    for start in range(0, len(entries), _ENTRIES_A_TURN):
        pairs = _pairs(entries.records[start : start + _ENTRIES_A_TURN])
        for pair in pairs:
            if pair not in known:  # of a million images there are some thousands
                known.add(pair)
                patients.register(_decode(pair[:_NAME_BYTES]), _decode(pair[_NAME_BYTES:]))
        if start + _ENTRIES_A_TURN < len(entries):  # a short list takes none
            yield
    if len(entries) > _ENTRIES_A_TURN:  # the few below it do not make a long list be forgotten
        patients.last_list = weakref.ref(entries)


def redacted_table(
    table: ItemTable[codec.ImageMetaItem], patients: HiddenPatients
) -> ItemTable[codec.ImageMetaItem]:
    """Return a list with pseudonyms; the list itself, unless patients are hidden."""
    if not patients.is_hidden or not len(table):
        return table
    if not is_redacted(table, patients):
        at_once(redact_in_turns(table, patients))
    assert patients.last_redacted is not None
    redacted, patients.last_redacted = patients.last_redacted.redacted, None  # it is large
    return redacted


def is_redacted(table: ItemTable[codec.ImageMetaItem], patients: HiddenPatients) -> bool:
    """Whether ``redacted_table`` has nothing to do, as that was done by ``redact_in_turns``."""
    if not patients.is_hidden or not len(table):
        return True
    last = patients.last_redacted
    return last is not None and last.table() is table and last.of == patients.phrase_total


def redact_in_turns(
    table: ItemTable[codec.ImageMetaItem], patients: HiddenPatients
) -> Iterator[None]:
    """Do with pauses what ``redacted_table`` does: a million entries take 4 s."""
    while not is_redacted(table, patients):
        hidden = copy.copy(patients)  # also if the user shows them meanwhile
        yield from register_some_patients(table, patients)
        phrase_total = patients.phrase_total
        records = np.empty(len(table), table.records.dtype)
        pseudonyms: dict[tuple[bytes, bytes], bytes] = {}
        for start in range(0, len(table), _ENTRIES_A_TURN):
            some = table.records[start : start + _ENTRIES_A_TURN].copy()
            _redact(some, hidden, pseudonyms)
            records[start : start + _ENTRIES_A_TURN] = some
            yield
        redacted = ItemTable(codec.ImageMetaItem, memoryview(records.view(np.uint8)))
        # If more patients have become known meanwhile, more is to be redacted.
        patients.last_redacted = RedactedList(weakref.ref(table), phrase_total, redacted)


def _redact(
    records: np.ndarray,
    patients: HiddenPatients,
    pseudonyms: dict[tuple[bytes, bytes], bytes],
) -> None:
    """Redact some entries in place; ``pseudonyms`` are those that are known."""
    pairs = _patients(records)
    for pair in dict.fromkeys(pairs):
        if pair not in pseudonyms:
            pseudonyms[pair] = patients.pseudonym(*map(_decode, pair)).encode()
    records["patient_name"] = [pseudonyms[pair] for pair in pairs]
    records["patient_id"] = b""
    for field in _FREE_TEXTS:
        texts, size = records[field].tolist(), records[field].dtype.itemsize
        if not patients.may_be_in(_decode(b"\n".join(texts).replace(b"\0", b"\n"))):
            continue
        redacted = {text: _redacted(text, size, patients.redact) for text in dict.fromkeys(texts)}
        records[field] = [redacted[text] for text in texts]


def redacted_entry(entry: codec.ImageMetaItem, patients: HiddenPatients) -> codec.ImageMetaItem:
    """Return one entry with a pseudonym; itself, unless patients are hidden."""
    if not patients.is_hidden:
        return entry
    patients.register(entry.patient_name, entry.patient_id)
    return replace(
        entry,
        patient_name=patients.pseudonym(entry.patient_name, entry.patient_id),
        patient_id="",
        **{field: patients.redact(getattr(entry, field)) for field in _FREE_TEXTS},
    )


def redacted_rows(rows: Iterable[DetailRow], patients: HiddenPatients) -> list[DetailRow]:
    """Return details without what identifies the patients; as they are, unless these are hidden."""
    rows = list(rows)
    if not patients.is_hidden:
        return rows
    first = {row.keyword: row.value for row in reversed(rows)}
    name = patients.pseudonym(first.get("PatientName", ""), first.get("PatientID", ""))
    return [_redacted_row(row, name, patients.redact) for row in rows]


def _redacted_row(row: DetailRow, patient_name: str, redact: Callable[[str], str]) -> DetailRow:
    def redacted(value: str) -> str:
        return HIDDEN if is_identity(row.keyword) else redact(value)

    conflicts = tuple(OtherValue(redacted(value), provider) for value, provider in row.conflicts)
    value = patient_name if row.keyword == "PatientName" else redacted(row.value)
    return row._replace(keyword=redact(row.keyword), value=value, conflicts=conflicts)


def _patients(records: np.ndarray) -> list[tuple[bytes, bytes]]:
    return list(zip(records["patient_name"].tolist(), records["patient_id"].tolist(), strict=True))


def _pairs(records: np.ndarray) -> list[bytes]:
    """Return name and ID of each patient as one text: they stand beside each other."""
    columns = records.dtype.fields
    assert columns is not None
    place, size = columns["patient_name"][1], _NAME_BYTES + columns["patient_id"][0].itemsize
    pairs = records.view(np.dtype({"names": ["p"], "formats": [f"V{size}"], "offsets": [place],
                                   "itemsize": records.dtype.itemsize}))["p"]  # fmt: skip
    return pairs.tolist()


def _decode(text: bytes) -> str:
    return text.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _redacted(text: bytes, size: int, redact: Callable[[str], str]) -> bytes:
    shown = codec.cut_text(redact(_decode(text)), size)
    return shown.encode("utf-8", "surrogateescape")
