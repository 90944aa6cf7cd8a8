"""COMMAND and RTS_COMMAND."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

XML = '<Command Name="GetImage" ImageId="MR-1" />'
COMMAND = codec.CommandMessage(
    command_id=77,
    name="GetImage",
    command=XML,
    device_name="Slicer",
    message_id=3,
    metadata={"ImageId": "MR-1"},
)
CLASSES = [codec.CommandMessage, codec.RTSCommandMessage]
TYPES = ["COMMAND", "RTS_COMMAND"]


def content(text: bytes, encoding: int = 3, length: int | None = None) -> bytes:
    length = len(text) if length is None else length
    return struct.pack(">I128sHI", 77, b"GetImage", encoding, length) + text


class TestCommand:
    def test_each_field_is_at_its_place(self):
        data = codec.pack(replace(COMMAND, header_version=1, message_id=0, metadata={}))[58:]
        assert data[:4] == struct.pack(">I", 77)
        assert data[4:132] == b"GetImage".ljust(128, b"\0")
        assert data[132:134] == b"\0\3"
        assert data[134:138] == struct.pack(">I", len(XML))
        assert data[138:] == XML.encode()

    def test_has_header_version_2_as_the_librarys_where_none_is_given(self):
        assert COMMAND.header_version == codec.unpack(codec.pack(COMMAND)).header_version == 2

    def test_every_field_comes_back_with_the_parameters_in_the_metadata(self):
        received = codec.unpack(codec.pack(COMMAND))
        assert received == COMMAND
        assert received.metadata == {"ImageId": "MR-1"}

    def test_as_an_older_peer_sends_it(self):
        received = codec.unpack(frame("COMMAND", content(XML.encode())))
        fields = received.header_version, received.command_id, received.name, received.command
        assert fields == (1, 77, "GetImage", XML)

    @pytest.mark.parametrize("message_class", CLASSES)
    def test_a_name_of_full_length(self, message_class: type[codec.Message]):
        message = message_class(name="N" * 128)
        assert codec.unpack(codec.pack(message)) == message

    def test_a_command_that_is_longer_than_the_library_sends(self):
        message = codec.CommandMessage(command="x" * 70_000)
        assert codec.unpack(codec.pack(message)) == message


class TestEncoding:
    @pytest.mark.parametrize(("text", "encoding"), [("", 3), ("plain", 3), ("Größe", 106)])
    def test_is_ascii_where_that_is_enough_or_else_utf_8(self, text: str, encoding: int):
        message = codec.CommandMessage(command=text)
        assert message.encoding == encoding
        assert codec.unpack(codec.pack(message)) == message

    def test_that_is_given_is_used(self):
        message = codec.CommandMessage(command="Größe", encoding=4)
        assert codec.pack(message).endswith(b"\0\4\0\0\0\5Gr\xf6\xdfe" + b"\0\0")
        assert codec.unpack(codec.pack(message)) == message

    @pytest.mark.parametrize("encoding", [3, 106, 4, 0, 9999])
    @pytest.mark.parametrize("text", [b"Gr\xc3\xb6\xc3\x9fe", b"\xff\0\xfe", b""])
    def test_any_bytes_under_any_number_pack_to_the_same(self, text: bytes, encoding: int):
        # PlusServer sends UTF-8 marked as US-ASCII.
        data = frame("COMMAND", content(text, encoding))
        received = codec.unpack(data)
        assert received.encoding == encoding
        assert codec.pack(received) == data

    def test_utf_8_that_is_marked_as_ascii_is_read(self):
        received = codec.unpack(frame("COMMAND", content("Größe".encode())))
        assert received.command == "Größe"


class TestAnswer:
    def test_is_a_return_message(self):
        data = frame("RTS_COMMAND", content(XML.encode()))
        message = codec.unpack(data)
        assert type(message) is codec.RTSCommandMessage
        assert isinstance(message, codec.ReturnMessage)
        assert (message.type_name, message.data_type) == ("RTS_COMMAND", "COMMAND")
        assert message.content == data[58:]

    def test_says_in_plusservers_metadata_what_went_wrong(self):
        metadata = {"Status": "FAIL", "Error": "no image MR-1", "Message": ""}
        answer = codec.RTSCommandMessage(77, "GetImage", "<CommandReply />", metadata=metadata)
        received = codec.unpack(codec.pack(answer))
        assert received == answer
        assert (received.status, received.error) == ("FAIL", "no image MR-1")

    def test_of_an_older_peer_has_no_status(self):
        received = codec.unpack(frame("RTS_COMMAND", content(b"")))
        assert (received.status, received.error) == ("", "")

    def test_is_not_equal_to_its_question(self):
        assert codec.RTSCommandMessage(1, "a") != codec.CommandMessage(1, "a")
        assert codec.CommandMessage(1, "a") != codec.RTSCommandMessage(1, "a")


class TestRefused:
    @pytest.mark.parametrize("message_class", CLASSES)
    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({"command_id": -1}, "command id -1 is not a whole number"),
            ({"command_id": 2**32}, "from 0 to 4294967295"),
            ({"command_id": None}, "command id None"),
            ({"name": "N" * 129}, "the limit is 128"),
            ({"name": None}, "command name is a text"),
            ({"name": "a\0b"}, "NUL"),
            ({"command": b"bytes"}, "the command is a text"),
            ({"command": "Größe", "encoding": 3}, "cannot be written in the encoding 3"),
            ({"encoding": 9999}, "the encoding 9999, which is not supported"),
        ],
    )
    def test_what_does_not_fit(self, message_class: type[codec.Message], field: dict, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            codec.pack(message_class(**field))

    @pytest.mark.parametrize("type_name", TYPES)
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "138 bytes are needed"),
            (content(b"")[:-1], "138 bytes are needed"),
            (content(b"abc", length=4), "ends within its command"),
            (content(b"abc", length=0xFFFFFFFF), "ends within its command"),
            (content(b"abc", length=2), "1 bytes more"),
        ],
    )
    def test_content(self, type_name: str, data: bytes, words: str):
        with pytest.raises(codec.DecodeError, match=f"^{type_name} .*{words}"):
            codec.unpack(frame(type_name, data))
