"""Frames of a live image, and a server that sends them one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from helpers.peers import Peer, Script, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser


def frame(shade: int, device_name: str = "Ultrasound", **fields: Any) -> codec.ImageMessage:
    return replace(make_image(shade), device_name=device_name, **fields)


def stream(*frames: codec.Message | bytes) -> Script:
    """Script: send these frames unasked, each after the client has sent something."""

    def script(peer: Peer) -> None:
        for one in frames:
            peer.send(one)
            peer.receive()
        peer.wait_until_closed()

    return script


def ask_for_next(browser: Browser) -> None:
    """Make the script of ``stream`` go on; the question is not answered."""
    browser.trajectories.request()
