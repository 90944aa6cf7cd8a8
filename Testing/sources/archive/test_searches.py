"""Searches of several clients at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from helpers.scripted_archive import Answer, listing, record
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource


def asked_in_turns(source: ArchiveSource, names: list[str]) -> Iterator[list[codec.ImageMetaItem]]:
    """Search for each of these patients, as a server does for as many clients; yield each list."""
    since, waiting = time.monotonic(), [*names]
    while waiting:
        name = waiting.pop(0)
        source.require_lists_since(since)
        try:
            items, _ = source.search({"PatientName": name})
        except NotReadyError as error:
            time.sleep(error.retry_after)
            waiting.append(name)
        else:
            yield [*items]


def test_more_searches_at_a_time_than_are_remembered_all_end(serve, make_slice, open_source):
    """What another one has found is forgotten for it, not what it is waiting for."""
    names = [f"Roe{number}" for number in range(40)]
    slices = {
        name: [make_slice((0, 0, 0), PatientName=name, SeriesInstanceUID=f"1.2.3.{number}")]
        for number, name in enumerate(names)
    }
    asked: list[str] = []

    def script(path: str) -> Answer:
        asked.append(path)
        if len(asked) > 5 * len(names):
            return Answer(500)
        wanted = [name for name in names if f"PatientName={name}&" in f"{path}&"]
        return listing(*(record(slices[name]) for name in wanted))

    found = [item.patient_name for (item,) in asked_in_turns(open_source(serve(script)), names)]
    assert sorted(found) == sorted(names)
