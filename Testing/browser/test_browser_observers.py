"""Who watches a browser cannot harm it, and is told when an answer is not quite what was asked."""

from __future__ import annotations

import sys

import slicer

from helpers.peers import Peer, ScriptedServer, ServerInThread, make_image
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import BrowserEvent, ImageLoaded, Listed


def test_an_observer_that_fails_is_reported_and_the_others_are_told_all_the_same(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: reported.append(str(error)))
    heard: list[BrowserEvent] = []

    def fail(event: BrowserEvent) -> None:
        if isinstance(event, Listed):
            raise RuntimeError("a script has an error")

    browser = Browser(slicer.vtkMRMLScene())
    browser.add_observer(fail)
    browser.add_observer(heard.append)
    with ServerInThread(SmallSource()) as server:
        browser.connect(server.host, server.port)
        assert len(browser.list_images()) == 4
        browser.disconnect()

    assert reported == ["a script has an error"]
    assert any(isinstance(event, Listed) for event in heard)


def test_an_image_that_comes_under_another_name_is_loaded_with_a_note():
    def answer_under_another_name(peer: Peer) -> None:
        peer.receive()
        item = codec.ImageMetaItem(id="A", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16)
        peer.send(codec.ImageMetaMessage(items=[item]))
        peer.receive()
        peer.send(make_image(7, device_name="SOMETHING ELSE"))
        peer.wait_until_closed()

    loaded: list[ImageLoaded] = []
    browser = Browser(slicer.vtkMRMLScene())
    browser.add_observer(lambda e: loaded.append(e) if isinstance(e, ImageLoaded) else None)
    with ScriptedServer(answer_under_another_name) as server:
        browser.connect(server.host, server.port)
        browser.list_images()
        browser.load_image("A")
        browser.disconnect()

    assert "it came under the name 'SOMETHING ELSE'" in loaded[0].notes
