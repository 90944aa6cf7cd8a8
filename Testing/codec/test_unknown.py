"""Types that the codec does not know, and types that an application adds."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.messages import base


def pickled(message: codec.Message) -> codec.Message:
    return pickle.loads(pickle.dumps(message))


class TestUnknown:
    def test_is_handed_over_as_bytes(self):
        message = codec.unpack(frame("NEEDLE", b"content", device_name=b"Force"))
        assert isinstance(message, codec.UnknownMessage)
        assert message.type_name == message.data_type == "NEEDLE"
        assert message.device_name == "Force"
        assert message.content == b"content"

    def test_in_version_2_without_extended_header_and_metadata(self):
        metadata_header, metadata = b"\0\1\0\1\0\3\0\0\0\2", b"kvv"
        body = version_2_body(
            b"content", metadata_header=metadata_header, metadata=metadata, message_id=5
        )
        message = codec.unpack(frame("NEEDLE", body, version=2))
        assert message.content == b"content"
        assert message.metadata == {"k": "vv"}
        assert message.message_id == 5

    @pytest.mark.parametrize("type_name", ["NEEDLE", "", "image", "IMAGES", "GET", "M\u00fc"])
    def test_goes_out_as_it_came_in(self, type_name: str):
        data = frame(type_name, b"content")
        assert codec.pack(codec.unpack(data)) == data


class TestContent:
    """Bytes of any kind can be sent; what is none is refused."""

    @pytest.mark.parametrize(
        "content",
        [
            bytearray(range(8)),
            memoryview(bytes(range(8))),
            memoryview(np.arange(8, dtype="u1")).cast("H"),
            memoryview(np.arange(8, dtype="u1").reshape(2, 2, 2)),
            memoryview(np.repeat(np.arange(8, dtype="u1"), 2))[::2],
        ],
    )
    @pytest.mark.parametrize("message_class", [codec.UnknownMessage, codec.GetMessage])
    def test_views_of_any_shape_go_out_as_their_bytes(self, message_class: type, content: object):
        message = codec.unpack(codec.pack(message_class("NEEDLE", content)))
        assert message.content == bytes(range(8))

    def test_an_empty_view(self):
        message = codec.UnknownMessage("NEEDLE", memoryview(np.zeros((0, 2), "u2")))
        assert codec.unpack(codec.pack(message)).content == b""

    @pytest.mark.parametrize("content", [None, "text", 5, [1, 2], np.zeros(3)])
    @pytest.mark.parametrize("message_class", [codec.UnknownMessage, codec.GetMessage])
    def test_what_is_no_bytes_is_refused(self, message_class: type, content: object):
        with pytest.raises(codec.EncodeError, match=r"the content of (GET_)?NEEDLE is bytes, not"):
            codec.pack(message_class("NEEDLE", content))

    @pytest.mark.parametrize("message_class", [codec.UnknownMessage, codec.GetMessage])
    def test_a_type_that_is_no_text_is_refused(self, message_class: type):
        with pytest.raises(codec.EncodeError, match="data type is a text, not None"):
            codec.pack(message_class(None))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_message_that_was_read_can_be_copied(copied: Callable[[Any], Any]):
    item_list = codec.TrajectoryMessage([codec.TrajectoryItem("needle")], device_name="Planner")
    for message in (codec.UnknownMessage("NEEDLE", b"content"), item_list):
        received = codec.unpack(codec.pack(message))
        assert copied(received) == received == message


@dataclass
class GreetingMessage(codec.Message):
    """A type of an application's own: one text."""

    wire_type: ClassVar[str] = "GREETING"

    text: str = ""

    def pack_content(self) -> list[bytes]:
        return [self.text.encode()]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> GreetingMessage:
        if not content:
            raise codec.DecodeError("a greeting without words")
        return cls(text=bytes(content).decode(errors="replace"), **header_fields)


class TestRegister:
    @pytest.fixture(autouse=True)
    def _registry_as_before(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(base, "_message_classes", dict(base._message_classes))
        codec.register(GreetingMessage)

    def test_messages_of_the_type_are_read_with_the_class(self):
        greeting = GreetingMessage(text="Grüße", device_name="Host", header_version=2, message_id=1)
        assert codec.unpack(codec.pack(greeting)) == greeting

    def test_the_class_may_refuse_a_content(self):
        with pytest.raises(codec.DecodeError, match="a greeting without words"):
            codec.unpack(frame("GREETING"))

    def test_a_name_that_no_header_holds_is_refused(self):
        with pytest.raises(codec.EncodeError, match="the limit is 12"):

            @codec.register
            class LongMessage(GreetingMessage):
                wire_type: ClassVar[str] = "A_LONG_GREETING"

    def test_queries_for_it_need_no_class(self):
        assert codec.unpack(frame("GET_GREETING")) == codec.GetMessage("GREETING")

    def test_the_last_class_wins(self):
        @codec.register
        class LouderMessage(GreetingMessage):
            pass

        assert type(codec.unpack(frame("GREETING", b"hello"))) is LouderMessage


def test_it_is_unknown_again_where_nobody_registered_it():
    assert isinstance(codec.unpack(frame("GREETING", b"hello")), codec.UnknownMessage)
