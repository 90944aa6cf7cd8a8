"""A sample of what ``dev.py hostile`` does at every byte: conversations over a network at fault.

Each ends as the truth or in words: never with a wrong voxel or a second node, and always.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hostile import conversation
from hostile.conversation import Archive
from hostile.fault_proxy import KINDS, Fault
from hostile.faults import all_faults, main
from hostile.rig import WAYS, Rig
from IGTLMetaBrowserLib import codec, net

# Of about 2,000 bytes to the client and 800 to the server; with TLS more.
SAMPLE = {
    "to the client": (0, 57, 58, 700, 1100, 2000),
    "to the server": (1, 57, 58, 500),
}


LISTS_OF_A_CONNECTION = 2  # the one that is asked for, and another one in header version 2


@pytest.fixture(scope="module", params=[name for name, way in WAYS.items() if not way.in_parts])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    if "browser" in request.param:
        pytest.importorskip("slicer")
    with Rig(request.param, tmp_path_factory.mktemp("rig")) as rig:
        yield rig


def test_without_a_fault_the_conversation_is_complete(rig: Rig):
    assert rig.try_one(None) == []
    assert min(rig.passed) > 500


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("refuse", "stall")])
def test_each_fault_ends_as_the_truth_or_in_words(rig: Rig, kind: str):
    for is_up, places in enumerate(SAMPLE.values()):
        for at in places:
            rig.try_one(Fault(kind, at, bool(is_up), bit=1))


@pytest.mark.parametrize("fault", [Fault("stall", 700), Fault("stall", 90, True)])
def test_a_network_that_stalls_is_not_waited_for_for_ever(rig: Rig, fault: Fault):
    rig.try_one(fault)


@pytest.mark.parametrize("kind", ["delay", "drip"])
def test_a_slow_network_costs_nothing_else(rig: Rig, kind: str):
    for at in SAMPLE["to the client"]:
        assert rig.try_one(Fault(kind, at)) == []


def test_a_server_that_refuses_for_a_while_is_found_by_a_browser(tmp_path: Path):
    pytest.importorskip("slicer")
    with Rig("plain browser", tmp_path) as rig:
        assert rig.try_one(Fault("refuse", connections=1000)) != []


def test_thumbnails_and_coarse_parts_end_as_the_truth_or_in_words(tmp_path: Path):
    """Where the coarse part is damaged, or its connection lost, before the rest or after it."""
    pytest.importorskip("slicer")
    way = "plain browser in parts"
    with WAYS[way].use(), Rig(way, tmp_path) as rig:
        assert rig.try_one(None) == []
        length = rig.passed[0]
        for kind in ("cut", "flip"):
            for at in range(700, length, 450):
                rig.try_one(Fault(kind, at, bit=1))


@pytest.mark.parametrize("at", [pytest.param(at, id=f"byte {at}") for at in range(16, 20)])
def test_a_query_for_another_image_is_noticed(tmp_path: Path, at: int):
    """The device name begins at byte 14: one bit makes CT3 of CT1."""
    with Rig("plain client", tmp_path) as rig:
        lists = 58 + 58  # the list, and the probe for version 2
        for offset in range(lists, lists + 400, 58):
            rig.try_one(Fault("flip", offset + at, is_up=True, bit=1))


def test_an_answer_with_another_name_is_not_shown_as_a_stream(tmp_path: Path):
    """The checksum does not cover the name: the image of CT1 came a second time, as ST1."""
    pytest.importorskip("slicer")
    with Rig("plain browser", tmp_path) as rig:
        for at in (1048, 1051):
            rig.try_one(Fault("flip", at, bit=4))


def test_a_line_that_came_before_a_loss_stays_beside_that_of_an_answer_without_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Found with delays: it is the user's own then, which is said, and no second one."""
    pytest.importorskip("slicer")
    lists = []

    def first_lists(self: Archive) -> Sequence[codec.ImageMetaItem]:
        lists.append(1)
        if len(lists) > LISTS_OF_A_CONNECTION:
            raise net.NotReadyError
        return images(self)

    images = Archive.images
    monkeypatch.setattr(Archive, "images", first_lists)
    with Rig("plain browser", tmp_path) as rig:
        words = rig.try_one(Fault("cut", 1700))
    assert any("without a list of images" in one for one in words)


def test_the_long_form_says_how_many_ended_how(capsys: pytest.CaptureFixture):
    arguments = [
        "--ways",
        "plain client",
        "--kinds",
        "cut",
        "refuse",
        "--every",
        "900",
        "--jobs",
        "1",
    ]
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert "WRONG" not in output
    assert re.search(r"plain client: \d+ conversations in", output)


def test_a_bit_of_each_byte_is_flipped_or_each():
    assert len(list(all_faults(["flip"], [10, 5]))) == 15
    each = list(all_faults(["flip", "cut"], [10, 5], has_all_bits=True))
    assert len(set(each)) == len(each) == 8 * 15 + 15


def test_it_finds_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Rig("plain client", tmp_path) as rig:
        truth = dict(conversation.IMAGES)
        monkeypatch.setattr(Archive, "image", lambda _self, image_id: truth["CT1"])
        with pytest.raises(AssertionError, match="CT3"):
            rig.try_one(None)
