"""The examples of docs/CODEC.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from helpers.peers import Peer, ScriptedServer
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.messages import base
from IGTLMetaBrowserLib.codec.messages.families import MODULE_OF_TYPE

PAGE = (Path(__file__).parents[2] / "docs" / "CODEC.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_of_a_receiver(capsys: pytest.CaptureFixture[str]) -> None:
    """Of two answers, the second is damaged on its way."""

    def answer(peer: Peer) -> None:
        assert peer.receive().type_name == "TRANSFORM"
        assert peer.receive().type_name == "GET_IMAGE"
        image = codec.ImageMessage(np.zeros((1, 2, 3), np.uint8), device_name="DEMO_CT")
        whole = bytes(codec.pack(image))
        peer.send(whole)
        peer.send(whole[:-1] + b"\xff")

    with ScriptedServer(answer) as server:
        names: dict[str, object] = {}
        exec(blocks()[0].replace("18944", str(server.port)), names)
        names["sock"].close()
    printed = capsys.readouterr().out
    assert "DEMO_CT (1, 2, 3)" in printed
    assert "could not be read:" in printed


def test_the_example_of_a_message_type_of_an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        base, "_message_classes", dict(base._message_classes)
    )  # as before, after it
    names: dict[str, object] = {"codec": codec}
    exec(blocks()[1], names)
    data = codec.pack(names["GreetingMessage"]("hello", device_name="A"))
    assert codec.unpack(data).text == "hello"


def test_each_type_has_its_place_in_the_table() -> None:
    queries = ("GET_", "STT_", "STP_", "RTS_")
    types = [name for name in MODULE_OF_TYPE if not name.startswith(queries)]
    first = " ".join(re.findall(r"^\|([^|]*)\|", PAGE, re.MULTILINE))
    assert [name for name in types if not re.search(rf"\b{name}\b", first)] == []


def test_the_classes_of_the_table_are_there() -> None:
    table = "".join(re.findall(r"^\|.*\|$", PAGE, re.MULTILINE))
    names = re.findall(r"`([A-Z]\w+)`", table)
    assert len(names) > 30
    assert [name for name in names if name not in codec.__all__] == []
