"""Before more is loaded than fits into memory, the user is asked, once for all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import slicer

from helpers.long_lists import LongListSource, count_hashed_texts
from helpers.peers import PATIENCE, ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.list_metadata.image_sequences import ImageSequence

# 360 GB each, by the list.
LARGE = ("LARGE_1", "LARGE_2", "LARGE_3")


class LargeImages(SmallSource):
    """Four small images, and three that few computers have memory for."""

    def images(self) -> list[codec.ImageMetaItem]:
        large = [
            codec.ImageMetaItem(
                f"Large {one[-1]}",
                one,
                size=(60_000, 60_000, 50),
                scalar_type=codec.ScalarType.INT16,
            )
            for one in LARGE
        ]
        return [*super().images(), *large]

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()

    def image(self, image_id: str) -> codec.ImageMessage:
        assert self.may_answer.wait(PATIENCE)
        if image_id in LARGE:
            raise net.SourceError("it was asked for")
        return super().image(image_id)

    def sequences(self) -> list[ImageSequence]:
        return [ImageSequence(LARGE[1:], "time", "s", ("0", "1.5"))]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[str]]:
    """Lets the user give an answer to each question; returns the list of these."""

    def answer(is_agreed: bool) -> list[str]:
        asked: list[str] = []
        confirm = lambda text: asked.append(text) or is_agreed  # noqa: E731
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", confirm)
        return asked

    return answer


@pytest.fixture
def source() -> Iterator[LargeImages]:
    source = LargeImages()
    yield source
    source.may_answer.set()


@pytest.fixture
def listed(user, source) -> Iterator:
    with ServerInThread(source) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 7 images")
        yield user


def test_what_fits_is_loaded_without_a_question(listed, answer):
    asked = answer(False)
    listed.load("A", "B")
    assert asked == []
    assert listed.state("A") == listed.state("B") == "loaded"


def test_what_does_not_fit_is_asked_for_once_with_all_that_it_needs(listed, answer):
    asked = answer(False)
    listed.select("A", *LARGE)
    listed.press(listed.ui.loadButton)
    (text,) = asked
    assert text.startswith("These 4 images need 1080 GB of memory. This computer has ")
    assert listed.panel.browser.queue == []
    assert listed.state("A") == ""


def test_it_is_loaded_if_the_user_wants_it(listed, answer):
    asked = answer(True)
    listed.load("LARGE_1")
    assert asked[0].startswith("This image needs 360 GB of memory")
    assert "it was asked for" in listed.state("LARGE_1")


def load_at_once(user, *image_ids: str) -> None:
    user.select(*image_ids)
    user.press(user.ui.loadButton)


def test_what_waits_or_is_being_loaded_is_counted_beside_what_would_fit_alone(
    listed, answer, source
):
    source.may_answer.clear()
    asked = answer(True)
    for ids in (["LARGE_1"], ["LARGE_2"], ["LARGE_2", "LARGE_3"], ["B"]):
        load_at_once(listed, *ids)
    images = listed.panel.browser.images
    assert [images.downloads.current, *images.downloads.waiting] == [*LARGE, "B"]
    assert [text.split(" This computer")[0] for text in asked] == [
        "This image needs 360 GB of memory.",
        "This image needs 360 GB of memory.",
        "These 2 images need 720 GB of memory.",
        "This image needs 72 bytes of memory. What is being loaded needs 1080 GB more.",
    ]
    source.may_answer.set()


def test_a_choice_beside_very_many_that_wait_looks_up_none_of_these(user, answer, monkeypatch):
    asked = answer(True)
    with ServerInThread(LongListSource(1000)) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 1000 images")
        images = user.panel.browser.images
        images.request([f"IMAGE_{number:08}" for number in range(1000)])
        counts = count_hashed_texts(monkeypatch)
        load_at_once(user, "IMAGE_00000999")
    assert "What is being loaded needs" in asked[-1]
    assert max(counts) < 10


def test_a_sequence_is_asked_for_with_all_its_volumes(listed, answer):
    asked = answer(False)
    listed.select("LARGE_2")
    listed.panel.images.loadSelectedSequences()
    (text,) = asked
    assert text.startswith("These 2 images need 720 GB")
    assert listed.panel.browser.queue == []


def test_who_is_not_connected_any_more_when_the_question_is_answered_is_told(listed, monkeypatch):
    browser = listed.panel.browser
    leave = lambda _text: browser.disconnect() or True  # noqa: E731
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", leave)
    listed.select("LARGE_1")
    listed.press(listed.ui.loadButton)
    listed.wait_for_status("Not connected. Press Connect first.")
