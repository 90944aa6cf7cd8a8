"""Lists that come page by page, and archives that give less than they have, or are asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydicom import Dataset

from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, listing, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb import dicomweb_archive as dicomweb


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (100, ""),
        (37, ""),
        (64, "There are {} additional results that can be requested"),
        (64, "The number of results exceeded the maximum. Additional results can be requested"),
    ],
)
def test_an_archive_that_gives_less_at_a_time_than_it_is_asked_for(
    serve, slices, open_source, most, words
):
    """Further ones must be asked for; by some without a word, whatever they give at a time.

    Others say it in the words of the standard: these of today, or those it had at first.
    """
    records = numbered(250, slices)

    def script(path: str) -> Answer:
        offset = offset_in(path)
        answer = listing(*records[offset : offset + most])
        if words and (left := len(records) - offset - most) > 0:
            answer.headers = {**answer.headers, "Warning": f"299 archive: {words.format(left)}"}
        return answer

    assert len(open_source(serve(script)).images()) == 250


@pytest.mark.parametrize("status", [400, 404, 416, 501])
@pytest.mark.parametrize("is_said", [False, True])
def test_an_archive_that_refuses_what_is_behind_the_last_series(
    serve, slices, open_source, is_said, status
):
    """It is asked for more, whatever it has given; unless it has said so, there are none."""
    words = {"Warning": "299 archive: There are 1 additional results that can be requested"}

    def script(path: str) -> Answer:
        if offset_in(path):
            return Answer(status)
        answer = listing(*numbered(4, slices))
        answer.headers = {**answer.headers, **(words if is_said else {})}
        return answer

    if is_said:
        with pytest.raises(SourceError, match=f"cannot search .*HTTP {status}"):
            open_source(serve(script))
    else:
        assert len(open_source(serve(script)).images()) == 4


def test_an_archive_that_fails_behind_the_first_page(serve, slices, open_source):
    """There may be more: what came is not taken for all."""
    records = numbered(4, slices)
    with pytest.raises(SourceError, match=r"cannot search .*HTTP 500"):
        open_source(serve(lambda path: Answer(500) if offset_in(path) else listing(*records)))


@pytest.mark.parametrize(
    ("count", "is_said", "page", "is_all"),
    [
        (60, False, 5000, True),
        (60, True, 5000, False),
        (60, False, 60, False),
        (600, False, 5000, True),  # nor a limit: the second time, 401 are asked for
    ],
)
def test_an_archive_that_knows_no_offset(
    serve, slices, open_source, monkeypatch, count, is_said, page, is_all
):
    """It begins anew for ever: nothing is listed twice, and who may have more is said to."""
    monkeypatch.setattr(dicomweb, "_PAGE", page)  # so many are asked for at once
    words = {"Warning": "299 archive: There are 9 additional results that can be requested"}
    answer = listing(*numbered(count, slices))
    answer.headers = {**answer.headers, **(words if is_said else {})}
    asked: list[str] = []

    def script(path: str) -> Answer:
        asked.append(path)
        return answer

    source = open_source(serve(script))
    assert len({item.id for item in source.images()}) == len(source.images()) == count
    assert len([path for path in asked if "/series?" in path]) == 2
    assert source.notice.startswith(f"These are {count} series; ") == (not is_all)
    assert ("has more that match" in source.notice) == (not is_all)


@pytest.mark.parametrize(("count", "is_all"), [(1000, True), (1001, False)])
def test_an_archive_that_searches_nothing_is_looked_through_as_far_as_it_lists(
    serve, slices, open_source, count, is_all
):
    """What it has behind that may match."""
    answer = listing(*numbered(count, slices))
    source = open_source(serve(lambda path: answer))
    found, notice = ready(source.search, {"PatientID": "of nobody"})
    assert (found, notice.startswith("These are 0 series; ")) == ((), not is_all)


def test_what_makes_no_sense_at_the_end_of_a_page_counts(serve, slices, open_source):
    """Else it came once more alone, and nothing of the list were left."""
    records = [*numbered(4, slices), {"00080060": None}]
    source = open_source(serve(lambda path: listing(*records[offset_in(path) :])))
    assert len(source.images()) == 4


def numbered(count: int, slices: list[Dataset]) -> list[dict[str, Any]]:
    """The entries of a list of so many series, each with a UID of its own."""
    records = [record(slices) for _ in range(count)]
    for number, one in enumerate(records):
        one["0020000E"]["Value"] = [f"1.2.3.{number}"]
    return records


def offset_in(path: str) -> int:
    return int(parse_qs(urlsplit(path).query).get("offset", ["0"])[0])
