"""Long lists of images, as a hospital's archive would offer them."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists import entry_table, group_numbers, local_days, text_column
from IGTLMetaBrowserLib.codec import text_rows
from IGTLMetaBrowserLib.codec.messages.items import ItemTable

if TYPE_CHECKING:
    import pytest  # in Slicer's own Python, which runs servers with these lists, it is not there

MODALITIES = ("CT", "MR", "PT", "US")
NAMES = ("Head T1", "Head T2", "CT head", "CT thorax", "PET whole body", "Liver", "Knee left")
PATIENTS = ("Müller^Anna", "Smith^John", "Tanaka^Yuki", "García^María", "Okafor^Chidi")


def make_long_list(count: int) -> ItemTable[codec.ImageMetaItem]:
    """Return ``count`` entries, the same at each call."""
    random = np.random.default_rng(0)
    records = np.zeros(count, codec.ImageMetaItem.columns)
    numbers = np.arange(count)
    names = np.char.add(random.choice(NAMES, count), np.char.mod(" %d", numbers % 1000))
    records["name"] = np.char.encode(names, "utf-8")
    records["id"] = np.char.mod("IMAGE_%08d", numbers).astype("S20")
    records["modality"] = random.choice(MODALITIES, count).astype("S32")
    patients = random.integers(0, 5000, count)
    families = np.char.add(np.array(PATIENTS)[patients % len(PATIENTS)], " ")
    patient_names = np.char.add(families, np.char.mod("%d", patients))
    records["patient_name"] = np.char.encode(patient_names, "utf-8")
    records["patient_id"] = np.char.mod("P%d", patients).astype("S64")
    seconds = random.integers(1_500_000_000, 1_700_000_000, count, np.uint64)
    records["scan_time"] = seconds << np.uint64(32)
    records["size"] = np.column_stack([np.full((count, 2), 512), random.integers(20, 400, count)])
    records["scalar_type"] = codec.ScalarType.INT16
    return ItemTable(codec.ImageMetaItem, memoryview(records.tobytes()))


def count_hashed_texts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Look up texts 100 at a time; return how many each time, as it is filled from now on."""
    counts: list[int] = []

    def count(texts: np.ndarray) -> np.ndarray:
        counts.append(len(texts))
        return hashes_of(texts)

    hashes_of = text_rows.hashes_of
    monkeypatch.setattr(text_rows, "hashes_of", count)
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 100)
    return counts


def count_prepared_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return of how many rows texts are read, hashed, folded, ranked or redacted from now on.

    It is filled as that happens, a number each time.
    """
    counts: list[int] = []

    def count(module: ModuleType, name: str) -> None:
        function = getattr(module, name)

        def counted(texts: Sequence[Any], *others: Any) -> Any:
            counts.append(len(texts))
            return function(texts, *others)

        monkeypatch.setattr(module, name, counted)

    for name in ("hashes_of", "joined", "without_remains"):
        count(text_rows, name)
    count(group_numbers, "hashes_of")
    count(local_days, "_some_days")
    for name in ("joined", "ranks_in_turns", "without_remains"):
        count(text_column, name)
    for name in ("byte_counts_of", "redacted_table", "_is_uniform"):
        count(entry_table, name)
    return counts


class LongListSource:
    """Offers a long list; each of its images can be had, as a small one."""

    def __init__(self, count: int) -> None:
        self._entries = make_long_list(count)

    def images(self) -> ItemTable[codec.ImageMetaItem]:
        return self._entries

    def image(self, image_id: str) -> codec.ImageMessage:
        return codec.ImageMessage(np.zeros((2, 3, 4), np.int16))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []
