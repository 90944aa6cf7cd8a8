"""What a bad peer does shows in the status line, and the window stays usable.

Each test begins with a list that a good connection gave, and ends with an image loaded over the
next one.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest

import slicerhost
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net import Client

LIST = codec.pack(
    codec.ImageMetaMessage(
        items=[codec.ImageMetaItem(name=name, id=name, size=(4, 3, 2)) for name in ("A", "B")]
    )
)
GOOD_IMAGE = codec.pack(codec.ImageMessage(np.zeros((2, 3, 4), np.uint8), device_name="A"))
BODY_SIZE_OFFSET, CRC_OFFSET, PIXELS_OFFSET = 42, 50, 58 + 72


def with_bytes(message: bytes, offset: int, value: bytes) -> bytes:
    """A message with some of its bytes replaced."""
    return message[:offset] + value + message[offset + len(value) :]


def of_size_5_x_3_x_2() -> bytes:
    """An image whose header claims more voxels than its body has, with a good checksum."""
    content = bytearray(GOOD_IMAGE[58:])
    struct.pack_into(">H", content, 6, 5)
    struct.pack_into(">H", content, 66, 5)
    message = with_bytes(GOOD_IMAGE, 58, bytes(content))
    return with_bytes(message, CRC_OFFSET, struct.pack(">Q", codec.crc64(bytes(content))))


BAD_ANSWERS = {
    "closes in the middle of an image": (
        GOOD_IMAGE[:-5],
        ["closed the connection in the middle", "IMAGE", "try again"],
    ),
    "wrong checksum": (
        with_bytes(GOOD_IMAGE, PIXELS_OFFSET, b"\1"),
        ["arrived damaged", "checksum"],
    ),
    "body size of 2**63": (
        with_bytes(GOOD_IMAGE, BODY_SIZE_OFFSET, struct.pack(">Q", 1 << 63)),
        ["9223372036854775808 bytes", "limit", "is it an OpenIGTLink server"],
    ),
    "sizes that do not match the body": (
        of_size_5_x_3_x_2(),
        ["5×3×2", "30 bytes", "24 are there"],
    ),
    "unknown header version": (
        with_bytes(GOOD_IMAGE, 0, b"\0\7"),
        ["header version 7"],
    ),
}


@pytest.mark.parametrize(("answer", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_is_explained_and_the_next_query_works(user, scripted, answer, words):
    # The image comes over another connection than the list, which therefore is asked for again.
    port = scripted(LIST, answer, GOOD_IMAGE, LIST)
    user.connect_to(port)
    user.wait_for(lambda: len(user.table()) == 2, "the list")
    user.select("A")
    user.press(user.ui.loadButton)
    user.wait_for(lambda: all(word in user.panel.model.state("A") for word in words), str(words))
    assert user.panel.browser.images.node("A") is None

    user.press(user.ui.loadButton)
    user.wait_for(lambda: user.panel.model.state("A").startswith("loaded"), "the good image")


def test_a_wrong_host_name(user):
    user.connect_to(18944, host="no-such-host.invalid")
    user.wait_for_status("The host name 'no-such-host.invalid' is not known")
    assert "check the name" in user.status
    assert user.ui.connectButton.text == "&Connect"
    assert user.ui.hostLineEdit.enabled


def test_a_refused_port(user, unused_port):
    user.connect_to(unused_port)
    user.wait_for_status(f"Cannot connect to 127.0.0.1:{unused_port}")
    assert "check the port" in user.status
    assert user.ui.connectButton.text == "&Connect"


def test_a_server_that_says_nothing(user, scripted, small_server):
    port = scripted(None, None)
    # The window's own time-out is longer than a test should take.
    user.panel.browser.connect("127.0.0.1", port, answer_timeout=0.2)
    user.panel.update()
    user.wait_for_status("did not answer in 0.2 s")
    user.press(user.ui.connectButton)
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")


def test_the_window_waits_no_longer_than_a_user_would(user):
    client = Client("localhost")
    assert 5 <= client.answer_timeout <= 30


def test_a_hostile_list_is_shown_without_its_control_characters(user, scripted):
    hostile = codec.ImageMetaItem(
        name="a\x1b[2J\r\nb", id="\udcff", scan_time=codec.Timestamp((1 << 64) - 1), scalar_type=0
    )
    port = scripted(codec.pack(codec.ImageMetaMessage(items=[hostile])))
    user.connect_to(port)
    user.wait_for(lambda: len(user.table()) == 1, "the list")
    (row,) = user.table()
    assert row[1] == "a\ufffd[2J\ufffd\ufffdb"
    assert row[5].startswith("2106")
    assert row[7:] == ["unknown (0)", "ÿ"]
    slicerhost.wait_until(lambda: True, 1, "the event loop")
