"""JSON of an archive, of which Python parses little at a time: others wait for that."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest
from requests import Response

from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, listing, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb import json_model
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dicomweb.json_model import parsed_list

MOST = 256 << 10


@pytest.fixture
def sizes(monkeypatch) -> list[int]:
    """How many characters are given to Python's parser each time."""
    sizes: list[int] = []
    decode = json_model._decode

    def counted(text: str) -> Any:
        sizes.append(len(text))
        return decode(text)

    monkeypatch.setattr(json_model, "_decode", counted)
    return sizes


def test_a_list_of_whatever_length_is_parsed_by_its_series(serve, slices, open_source, sizes):
    """Also of an archive that sends all it has, however few it is asked for."""
    records = [
        {**record(slices), "0020000E": {"vr": "UI", "Value": [f"1.2.{number}"]}}
        for number in range(3000)
    ]
    source = open_source(serve(lambda path: listing(*records)))
    assert (len(source.images()), source.notice[:17]) == (1000, "These are 1000 se")
    assert max(sizes) <= 8 << 10
    assert len(sizes) < 3100


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (4 << 20),
        b"[" + b"[]," * (1 << 18) + b"[]]",
        b"[" + b'"",' * (1 << 18) + b'""]',
        b"[[" + b"[]," * (1 << 20) + b"[]]]",
        b"[" + (b"[" * 900 + b"]" * 900 + b",") * 1000 + b"[]]",
        b'[{"00080060":' * (1 << 19),
        b'[{"00100010": {"vr": "PN", "Value": ["' + b"A" * (1 << 20) + b'"]}}]',
    ],
    ids=["open", "arrays", "texts", "one array", "deep arrays", "objects", "one text"],
)
def test_of_what_is_no_list_of_series_little_is_parsed_at_a_time(serve, open_source, sizes, body):
    with pytest.raises(SourceError, match=r"cannot search .*: (its JSON|it has sent) .*check the"):
        open_source(serve(lambda path: Answer(200, body)))
    assert max(sizes) <= MOST


def test_pages_do_not_stay_in_memory(serve, slices):
    """Each may have 15 MB: Python does not look often for what refers to itself."""
    archive = DicomWebArchive(serve(lambda path: listing(record(slices))))
    seen: list[weakref.ref[Response]] = []
    archive._session.hooks["response"].append(lambda one, **_: seen.append(weakref.ref(one)))
    gc.disable()
    try:
        assert len(archive.find({}, 10)) == 1
        assert seen
        assert [one() for one in seen] == [None] * len(seen)
    finally:
        gc.enable()
    archive.close()


def test_a_series_of_which_much_is_said(serve, slices, open_source):
    long = {**record(slices), "00081030": {"vr": "LO", "Value": ["\N{SNOWMAN}"] * 20_000}}
    source = open_source(serve(lambda path: listing(long, record(slices))))
    assert len(ready(source.images)) == 1


@pytest.mark.parametrize(
    "text",
    ["[]", " [ ] ", "[{}]", '\n[ {"a": ["]"]} ,\t{"b": "\\"["} , 5, null, "x"]\r\n', ' {"a": 1} '],
)
def test_it_reads_what_a_parser_of_the_whole_reads(text):
    assert parsed_list(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "[", "[{}", "[{} {}]", "[{},]", "[,{}]", "[{}]]", "[{}] {}", "<html>", '[{"a']
)
def test_and_nothing_else(text):
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    with pytest.raises(json.JSONDecodeError):
        parsed_list(text)
