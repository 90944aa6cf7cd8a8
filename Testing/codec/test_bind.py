"""BIND: messages that belong together; and the queries for it."""

from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from codec.stream import feed, frame
from IGTLMetaBrowserLib import codec

TEXT = codec.StringMessage("182 cm", device_name="Height")
POINTS = codec.PointMessage([codec.PointItem("Nasion")], device_name="P" * 20)
UNKNOWN = codec.UnknownMessage("UNHEARD-OF", b"\1\2\3", device_name="Device")
IMAGE = codec.ImageMessage(np.arange(24, dtype=np.uint16).reshape(2, 3, 4), device_name="CT")
QUERY = codec.GetMessage("IMAGE", device_name="CT")


def unpacked(message: codec.Message) -> codec.Message:
    return codec.unpack(codec.pack(message))


def nested(depth: int) -> codec.BindMessage:
    """Return ``depth`` BINDs, one in the other."""
    message = codec.BindMessage()
    for _ in range(depth - 1):
        message = codec.BindMessage([message])
    return message


class TestLayout:
    def test_each_part_is_at_its_place(self):
        data = codec.pack(codec.BindMessage([TEXT, UNKNOWN]))[58:]
        assert data[0:2] == b"\0\2"
        assert data[2:22] == struct.pack(">12sQ", b"STRING", 10)
        assert data[22:42] == struct.pack(">12sQ", b"UNHEARD-OF", 3)
        assert data[42:44] == b"\0\x0e"
        assert data[44:58] == b"Height\0Device\0"
        assert data[58:68] == b"\0\3\0\x06182 cm"
        assert data[68:] == b"\1\2\3\0"  # with the padding

    def test_names_of_an_odd_number_of_bytes_are_padded(self):
        data = codec.pack(codec.BindMessage([TEXT, QUERY]))[58:]
        assert data[42:56] == b"\0\x0aHeight\0CT\0" + b"\0\3"
        data = codec.pack(codec.BindMessage([TEXT, replace(QUERY, device_name="MR1")]))[58:]
        assert data[42:58] == b"\0\x0cHeight\0MR1\0\0" + b"\0\3"

    def test_without_children(self):
        assert codec.pack(codec.BindMessage())[58:] == b"\0\0\0\0"


class TestChildren:
    @pytest.mark.parametrize("child", [TEXT, POINTS, UNKNOWN, IMAGE, QUERY])
    def test_of_any_type_come_back(self, child: codec.Message):
        message = codec.BindMessage([child], device_name="Patient")
        (received,) = unpacked(message).children
        assert received == child
        assert type(received) is type(child)
        assert codec.pack(unpacked(message)) == codec.pack(message)

    def test_keep_their_order(self):
        children = [TEXT, UNKNOWN, POINTS, UNKNOWN, QUERY, IMAGE]
        assert unpacked(codec.BindMessage(children)).children == children

    def test_can_be_binds(self):
        message = codec.BindMessage([codec.BindMessage([TEXT, codec.BindMessage()]), UNKNOWN])
        assert unpacked(message) == message

    def test_have_the_time_stamp_of_the_bind_and_header_version_1(self):
        child = replace(TEXT, timestamp=codec.Timestamp(7), header_version=2)
        message = codec.BindMessage([child], timestamp=codec.Timestamp(5), header_version=2)
        (received,) = unpacked(message).children
        assert received == replace(TEXT, timestamp=codec.Timestamp(5), header_version=1)

    @pytest.mark.parametrize("field", [{"metadata": {"key": "value"}}, {"message_id": 1}])
    def test_with_more_than_a_child_can_hold_are_refused(self, field: dict):
        child = replace(TEXT, header_version=2, **field)
        with pytest.raises(codec.EncodeError, match="STRING 'Height' has metadata or a message id"):
            codec.pack(codec.BindMessage([child]))

    def test_of_an_application_s_own_type(self):
        # A type that nobody registered stays bytes; its content can be read later.
        (received,) = unpacked(codec.BindMessage([UNKNOWN])).children
        assert (received.data_type, bytes(received.content)) == ("UNHEARD-OF", b"\1\2\3")

    def test_arrive_through_a_receiver(self):
        message = codec.BindMessage([IMAGE, TEXT, IMAGE])
        assert feed(codec.Receiver(), codec.pack(message) * 2, 7) == [message, message]

    def test_that_cannot_be_read_make_the_bind_unreadable(self):
        data = codec.pack(codec.BindMessage([TEXT]))[58:].replace(b"STRING", b"POINT\0")
        with pytest.raises(codec.DecodeError, match="POINT has items of 136 bytes; 10 bytes"):
            codec.unpack(frame("BIND", data))

    @pytest.mark.parametrize(
        ("children", "why"),
        [
            (None, "a list of messages, not None"),
            ([None], "the children of BIND are messages, not None"),
            ([b"bytes"], "the children of BIND are messages, not b'bytes'"),
            ([replace(TEXT, device_name="x" * 21)], "device name .* the limit is 20"),
            ([replace(TEXT, device_name=None)], "device name is a text, not None"),
            ([replace(UNKNOWN, data_type="x" * 13)], "type name .* the limit is 12"),
            ([replace(TEXT, string=None)], "is a text, not None"),
        ],
    )
    def test_that_do_not_fit_are_refused(self, children: object, why: str):
        with pytest.raises(codec.EncodeError, match=why):
            codec.pack(codec.BindMessage(children))


class TestNames:
    def test_of_full_length_and_of_no_length(self):
        names = ["x" * 20, "", "ö" * 10, "\udcff" * 20, ""]
        message = codec.BindMessage([replace(TEXT, device_name=name) for name in names])
        assert [child.device_name for child in unpacked(message).children] == names

    def test_are_empty_where_there_is_no_table(self):
        # So the library reads it.
        data = codec.pack(codec.BindMessage([TEXT]))[58:].replace(b"\0\x08Height\0\0", b"\0\0")
        (child,) = codec.unpack(frame("BIND", data)).children
        assert (child.device_name, child.string) == ("", "182 cm")

    def test_of_more_than_65535_bytes_are_refused(self):
        child = replace(UNKNOWN, device_name="x" * 20)
        assert len(unpacked(codec.BindMessage([child] * 3120)).children) == 3120
        with pytest.raises(codec.EncodeError, match="need 65542 bytes; the limit is 65535"):
            codec.pack(codec.BindMessage([child] * 3121))


class TestHostileBytes:
    def test_eight_binds_in_each_other(self):
        assert unpacked(nested(8)) == nested(8)

    def test_one_more_is_refused_both_ways(self):
        with pytest.raises(codec.EncodeError, match="more than 8 nested BINDs"):
            codec.pack(nested(9))
        content = codec.pack(nested(8))[58:]
        content = struct.pack(">H12sQH2s", 1, b"BIND", len(content), 2, b"") + content
        with pytest.raises(codec.DecodeError, match="more than 8 nested BINDs"):
            codec.unpack(frame("BIND", content))

    def test_a_bind_in_itself_is_refused(self):
        message = codec.BindMessage()
        message.children = [message]
        with pytest.raises(codec.EncodeError, match="more than 8 nested BINDs"):
            codec.pack(message)

    def test_thousands_of_binds_in_each_other_cost_nothing(self):
        content = b"\0\0\0\0"
        pieces = [struct.pack(">H12sQH2s", 1, b"BIND", 4 + 26 * n, 2, b"") for n in range(20_000)]
        with pytest.raises(codec.DecodeError, match="more than 8 nested BINDs"):
            codec.unpack(frame("BIND", b"".join(reversed(pieces)) + content))

    def test_children_of_children_are_counted_together(self):
        # 21 bytes make a message of several hundred: 65535 of them, and no more.
        inner = bind_of_nothing(40_000)
        outer = struct.pack(">H", 2) + struct.pack(">12sQ", b"BIND", len(inner)) * 2
        outer += b"\0\2\0\0" + inner * 2
        with pytest.raises(
            codec.DecodeError, match=r"BIND has 80002 children .* the limit is 65535"
        ):
            codec.unpack(frame("BIND", outer))
        with pytest.raises(codec.EncodeError, match="the limit is 65535"):
            codec.pack(codec.BindMessage([codec.BindMessage([TEXT] * 40_000)] * 2))

    @pytest.mark.parametrize(
        "child",
        [
            codec.PolyDataMessage(
                attributes=[codec.PolyDataAttribute(0, "", np.zeros((0, 1)))] * 40_000
            ),
            codec.CapabilityMessage(["IMAGE"] * 40_000),
            codec.GetBindMessage([("IMAGE", "")] * 40_000),
            codec.StartBindMessage(0, [("IMAGE", "")] * 40_000),
        ],
    )
    def test_what_else_has_few_bytes_and_many_parts_counts_like_children(
        self, child: codec.Message
    ):
        # Else thousands of such children would take fifty times the memory of their bytes.
        content = b"".join(child.pack_content())
        assert len(unpacked(codec.BindMessage([child])).children) == 1
        with pytest.raises(codec.EncodeError, match=r"80002 children .* the limit is 65535"):
            codec.pack(codec.BindMessage([child, child]))
        data = (
            struct.pack(">H", 2) + struct.pack(">12sQ", child.type_name.encode(), len(content)) * 2
        )
        data += b"\0\2\0\0" + (content + bytes(len(content) % 2)) * 2
        with pytest.raises(codec.DecodeError, match=r"80002 children .* the limit is 65535"):
            codec.unpack(frame("BIND", data))

    def test_as_many_as_there_can_be(self):
        data = frame("BIND", bind_of_nothing(65_534))
        tracemalloc.start()
        message = codec.unpack(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(message.children) == 65_534
        assert peak < 100e6

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "BIND ends within its count"),
            (b"\0\1", "ends within its types and sizes: 20 bytes are needed"),
            (b"\xff\xff", "1310700 bytes are needed at offset 2, 0 are there"),
            (b"\0\0", "ends within its name table size"),
            (b"\0\0\0\2", "ends within its name table"),
            (struct.pack(">H12sQH2s", 1, b"X", 1 << 63, 2, b""), "ends within its child 0"),
            (struct.pack(">H12sQH2sB", 1, b"X", 1, 2, b"", 7), "ends within its padding"),
            (struct.pack(">H12sQH2s", 1, b"X", 0, 2, b"ab"), "has 0 names for 1 children"),
            (struct.pack(">H12sQH22s", 1, b"X", 0, 22, b"x" * 21), "device name of 21 bytes"),
            (b"\0\0\0\0\0", "1 bytes more than its fields"),
        ],
    )
    def test_damaged_is_an_error(self, content: bytes, why: str):
        with pytest.raises(codec.DecodeError, match=why):
            codec.unpack(frame("BIND", content))


def bind_of_nothing(count: int) -> bytes:
    """Return a BIND of empty messages of no type, without names."""
    names = bytes(count + count % 2)
    return struct.pack(">H", count) + bytes(20) * count + struct.pack(">H", len(names)) + names


NAMES = [codec.ChildName("TRANSFORM", "Needle"), codec.ChildName("IMAGE", "CT")]
NAMED = b"\0\2TRANSFORM\0\0\0IMAGE\0\0\0\0\0\0\0\0\x0aNeedle\0CT\0"


class TestGetBind:
    def test_names_types_and_devices(self):
        assert codec.pack(codec.GetBindMessage(NAMES))[58:] == NAMED

    def test_is_a_query(self):
        message = codec.unpack(frame("GET_BIND", NAMED))
        assert isinstance(message, codec.GetMessage)
        assert message.data_type == "BIND"
        assert message.children == NAMES
        assert message.children[0].device_name == "Needle"

    def test_without_content_asks_for_all(self):
        message = codec.unpack(frame("GET_BIND"))
        assert message == codec.GetBindMessage(None)
        assert codec.pack(message) == frame("GET_BIND")

    def test_for_an_empty_list_is_something_else(self):
        # The library sends this where its user named no children.
        message = codec.unpack(frame("GET_BIND", bytes(4)))
        assert message == codec.GetBindMessage([])
        assert codec.pack(message) == frame("GET_BIND", bytes(4))

    def test_is_padded_as_the_library_reads_it(self):
        assert codec.pack(codec.GetBindMessage([("IMAGE", "MR")]))[-6:] == b"\0\4MR\0\0"

    def test_is_read_without_padding_as_the_library_packs_it(self):
        data = frame("GET_BIND", b"\0\1" + b"IMAGE".ljust(12, b"\0") + b"\0\3MR\0")
        message = codec.unpack(data)
        assert message == codec.GetBindMessage([("IMAGE", "MR")], is_padded=False)
        assert codec.pack(message) == data

    @pytest.mark.parametrize(
        "content", [b"\0", NAMED[:-1], NAMED + b"\0", b"\0\3" + NAMED[2:], b"\xff\xff"]
    )
    def test_damaged_is_an_error(self, content: bytes):
        with pytest.raises(codec.DecodeError):
            codec.unpack(frame("GET_BIND", content))

    @pytest.mark.parametrize(
        ("children", "why"),
        [
            ("IMAGE", "a list of type and device names, not 'IMAGE'"),
            ([None], "the children that GET_BIND asks for are"),
            ([("IMAGE",)], "the children that GET_BIND asks for are"),
            ([("IMAGE", None)], "device name is a text, not None"),
            ([("IMAGE", "x" * 21)], "device name .* the limit is 20"),
            ([("x" * 13, "CT")], "type name .* the limit is 12"),
            ([("", "")] * 65536, "65536 children of BIND; the limit is 65535"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, children: object, why: str):
        with pytest.raises(codec.EncodeError, match=why):
            codec.pack(codec.GetBindMessage(children))


class TestStartBind:
    def test_has_the_resolution_before_the_names(self):
        data = codec.pack(codec.StartBindMessage(20_000_000, NAMES))
        assert data == frame("STT_BIND", struct.pack(">Q", 20_000_000) + NAMED)
        message = codec.unpack(data)
        assert isinstance(message, codec.StartMessage)
        assert (message.data_type, message.resolution) == ("BIND", 20_000_000)
        assert message.children == NAMES

    def test_of_all_has_the_resolution_only(self):
        message = codec.StartBindMessage(5)
        assert codec.pack(message)[58:] == bytes(7) + b"\5"
        assert unpacked(message) == message

    def test_without_content_is_of_all_and_as_fast_as_can_be(self):
        assert codec.unpack(frame("STT_BIND")) == codec.StartBindMessage(0, None)

    @pytest.mark.parametrize("resolution", [-1, 1 << 64, 0.5, None])
    def test_another_resolution_is_refused(self, resolution: object):
        with pytest.raises(codec.EncodeError, match=r"resolution in ns .*"):
            codec.pack(codec.StartBindMessage(resolution))

    def test_of_less_than_8_bytes_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="STT_BIND ends within its resolution"):
            codec.unpack(frame("STT_BIND", bytes(7)))


class TestReturnBind:
    @pytest.mark.parametrize("status", [0, 1, 255])
    def test_is_one_byte(self, status: int):
        message = codec.unpack(frame("RTS_BIND", bytes([status])))
        assert isinstance(message, codec.ReturnMessage)
        assert (message.data_type, message.status) == ("BIND", status)
        assert codec.pack(message) == frame("RTS_BIND", bytes([status]))

    def test_without_content_is_success(self):
        assert codec.unpack(frame("RTS_BIND")).status == 0

    def test_of_two_bytes_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="1 bytes more"):
            codec.unpack(frame("RTS_BIND", bytes(2)))

    @pytest.mark.parametrize("status", [-1, 256, None])
    def test_another_status_is_refused(self, status: object):
        with pytest.raises(
            codec.EncodeError, match=r"RTS_BIND status .* not a whole number from 0 to 255"
        ):
            codec.pack(codec.RTSBindMessage(status))


def test_stop_has_no_content():
    message = codec.unpack(frame("STP_BIND"))
    assert isinstance(message, codec.StopMessage)
    assert message.data_type == "BIND"
