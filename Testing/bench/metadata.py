"""What it costs to ask the metadata providers.

What is printed are medians, and under each figure what is required. Run it with
``python3 Testing/dev.py bench metadata``; it exits with 1 where something was not reached.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
from contests.harness import print_verdict, seconds, time_text
from rich.console import Console

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.details import detail_rows
from IGTLMetaBrowserLib.metadata.modules import (
    DERIVED,
    GENERAL_SERIES,
    IMAGE_PIXEL,
    IMAGE_PLANE,
    PATIENT,
    STUDY_DATA,
    Patient,
)
from IGTLMetaBrowserLib.metadata.providers.dicom_series import DicomSeriesProvider
from IGTLMetaBrowserLib.metadata.providers.slicer_database import SlicerDatabaseProvider
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import NOTHING, MetadataProviders, Priority

ROUNDS = 7
CALLS = 2_000
IMAGES = 100_000
TYPES = (PATIENT, GENERAL_SERIES, IMAGE_PIXEL, IMAGE_PLANE, DERIVED)
IDS = [f"IMAGE_{number}" for number in range(IMAGES)]
MOST_SECONDS_OF_A_GET = 10e-6
MOST_SECONDS_OF_ALL = 1.0


def ten_functions() -> MetadataProviders:
    """Return a registry of ten plain functions, of which the last that is asked knows patients."""
    providers = MetadataProviders()

    def knows(type_: str, image_id: str) -> object:
        return Patient("Doe^Jane", image_id) if type_ == PATIENT else NOTHING

    providers.add_provider(knows)
    for _ in range(9):
        providers.add_provider(lambda type_, image_id: NOTHING, 1)
    return providers


def ten_that_ship(images: int) -> MetadataProviders:
    """Return a registry of the providers that ship, ten in all, which know ``images`` images.

    Each image has an entry in a list, a header and metadata of its message. Asked for a patient,
    nine have nothing before the list is asked.
    """
    providers = MetadataProviders()
    entries = {
        image_id: codec.ImageMetaItem(
            name=f"CT of the head, {number}",
            id=image_id,
            modality="CT",
            patient_name="Doe, Jane",
            patient_id=f"{number % 5000:08d}",
            size=(7, 5, 3),
            scalar_type=codec.ScalarType.INT16,
        )
        for number, image_id in enumerate(IDS[:images])
    }
    standard = StandardProviders(providers, entries.get)
    for _ in range(2):
        files = DicomSeriesProvider(lambda uid: (), standard.series_uids)
        providers.add_provider(files, Priority.DICOM)
    database = SlicerDatabaseProvider(None, standard.series_uids)
    providers.add_provider(database, Priority.DICOM)
    image = codec.ImageMessage.from_ijk_to_ras(np.zeros((3, 5, 7), np.int16), np.eye(4))
    for number, image_id in enumerate(entries):
        standard.headers.keep(image_id, image)
        standard.messages.keep(image_id, {"SeriesInstanceUID": f"1.2.3.{number}"})
    return providers


def get_all(providers: MetadataProviders, images: int, types: tuple[str, ...] = TYPES) -> None:
    """Ask for every type of every image."""
    get = providers.get
    for image_id in IDS[:images]:
        for type_ in types:
            get(type_, image_id)


def median(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median of how long ``action`` takes. The first time does not count."""
    return statistics.median([seconds(action) for _ in range(rounds + 1)][1:])


def show_single_gets(console: Console) -> bool:
    """Print what one ``get`` costs; return whether that is little enough."""
    console.print("[bold]get on 10 providers[/bold]")
    reached = []
    for who, providers in (
        ("10 functions, the last one answers", ten_functions()),
        ("10 that ship, the answer is kept", ten_that_ship(1)),
    ):

        def ask(get: Callable[..., object] = providers.get) -> None:
            for _ in range(CALLS):
                get(PATIENT, "IMAGE_0")

        taken = median(ask) / CALLS
        reached.append(taken <= MOST_SECONDS_OF_A_GET)
        print_verdict(console, who, "≤ 10 µs", time_text(taken), reached[-1])
    first = ten_that_ship(CALLS)
    taken = seconds(lambda: get_all(first, CALLS, (PATIENT,))) / CALLS
    console.print(f"  10 that ship, asked for the first time: {time_text(taken)}", highlight=False)
    return all(reached)


def show_many_gets(console: Console) -> bool:
    """Print what 100,000 images × 5 types cost; return whether that is little enough."""
    console.print(f"\n[bold]{IMAGES:,} images × {len(TYPES)} types, 10 providers that ship[/bold]")
    providers = ten_that_ship(IMAGES)
    filling = seconds(lambda: get_all(providers, IMAGES))
    kept = len(providers._cache)
    taken = median(lambda: get_all(providers, IMAGES))
    is_met = taken <= MOST_SECONDS_OF_ALL
    print_verdict(console, "from the cache", "≤ 1 s", time_text(taken), is_met)
    is_all_kept = kept >= IMAGES * len(TYPES)
    print_verdict(console, "answers kept", f"≥ {IMAGES * len(TYPES):,}", f"{kept:,}", is_all_kept)
    console.print(f"  asked for the first time: {time_text(filling)}", highlight=False)
    rows = median(lambda: detail_rows(providers, "IMAGE_0"))
    console.print(f"  all rows of the details of one image: {time_text(rows)}", highlight=False)
    return is_met and is_all_kept


def show_memory(console: Console) -> bool:
    """Print what kept answers take; return whether they are as few as is allowed."""
    console.print("\n[bold]What is kept[/bold]")
    images = 10_000
    providers = ten_that_ship(images)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    get_all(providers, images)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = (after - before) / images / len(TYPES)
    console.print(f"  memory of an answer: {size:.0f} bytes", highlight=False)
    bounded = MetadataProviders(most_answers=1000)
    StandardProviders(bounded, {}.get)
    get_all(bounded, images, (*TYPES, STUDY_DATA))
    kept = len(bounded._cache)
    is_met = kept <= 1000
    print_verdict(console, f"after {images * 6:,} answers", "≤ 1,000", f"{kept:,}", is_met)
    return is_met


def main() -> int:
    """Print all figures; return 0 where all that is required was reached."""
    console = Console()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(
        f"Medians of {ROUNDS} turns; {os.cpu_count()} processors{load}; "
        f"Python {platform.python_version()}",
        highlight=False,
    )
    reached = [show_single_gets(console), show_many_gets(console), show_memory(console)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
