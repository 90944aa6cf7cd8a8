"""What a server logs of its clients: who they are, no names of images, and not too much."""

from __future__ import annotations

import logging

import pytest

from helpers.limited_servers import await_no_clients, get, small_source
from helpers.peers import ImagesInMemory, Peer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net import limited_log
from IGTLMetaBrowserLib.net.limited_log import LimitedLog, LimitedModules


def test_nobody_floods_the_log(caplog: pytest.LogCaptureFixture):
    with ServerInThread(small_source()) as server, Peer.connect(server.port) as peer:
        unreadable = bytearray(codec.pack(codec.GetMessage("IMAGE", b"xyz")))
        unreadable[-1] ^= 1
        peer.send(bytes(unreadable) * 1000, get("A"))
        while peer.receive().device_name != "A":
            pass
    assert 10 < caplog.text.count("what cannot be read") <= 20


def test_what_was_left_out_is_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    log = LimitedLog(logging.getLogger("test"), lines_per_minute=3)
    for number in range(10):
        log.write(logging.WARNING, "10.0.0.1", f"line {number}")
    log.write(logging.WARNING, "10.0.0.2", "another")
    assert caplog.messages == ["line 0", "line 1", "line 2", "another"]
    log.begin_minute()
    log.write(logging.WARNING, "10.0.0.1", "line 10")
    assert caplog.messages[-2:] == ["7 more lines about 10.0.0.1 were left out", "line 10"]
    # Nor do those who come from many addresses.
    monkeypatch.setattr(limited_log, "_LINES_OF_ALL", 5)
    for number in range(5000):
        log.write(logging.WARNING, f"host {number}", "hello")
    assert caplog.messages.count("hello") == 4
    log.begin_minute()
    assert len(caplog.messages) < 20


def test_what_is_said_for_each_search_does_not_flood_the_log(caplog: pytest.LogCaptureFixture):
    modules = LimitedModules("package", lines_per_minute=3)
    caplog.handler.addFilter(modules)
    try:
        for number in range(10):
            logging.getLogger("archive").warning("patient %d has two names", number)
            logging.getLogger("package.journal").warning("has its own limit")
        modules.begin_minute()
    finally:
        caplog.handler.removeFilter(modules)
    assert sum("patient" in line for line in caplog.messages) == 3
    assert caplog.messages.count("has its own limit") == 10
    assert caplog.messages.count("more lines of archive are left out in this minute") == 1
    assert caplog.messages[-1] == "7 more lines of archive were left out"


def test_the_log_names_the_client_and_no_image(caplog: pytest.LogCaptureFixture):
    with (
        caplog.at_level(logging.DEBUG),
        ServerInThread(ImagesInMemory({"SHEPLOGAN_VIRA": make_image(1)})) as server,
    ):
        with Peer.connect(server.port) as peer:
            peer.send(get("SHEPLOGAN_VIRA"))
            peer.receive()
            address = "{}:{}".format(*peer.socket.getsockname())
        await_no_clients(server)
    lines = [line for line in caplog.messages if address in line]
    assert len(lines) == 3
    assert "SHEPLOGAN" not in caplog.text
