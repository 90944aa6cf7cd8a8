"""The receiver: bytes in as they come, messages out. It is fed by hand, without a socket."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from codec.stream import content_of_image, feed, feed_pieces, frame, version_2_body
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import BodySizeError, ChecksumError, HeaderVersionError, Rejected

MIB = 1 << 20

STATUS = codec.StatusMessage(device_name="Server", message="ready")
QUERY = codec.GetMessage("IMAGE", device_name="IMAGE_0")
LISTING = codec.ImageMetaMessage(
    items=[codec.ImageMetaItem(id=f"IMAGE_{number}") for number in range(3)],
    header_version=2,
    metadata={"key": "value"},
)
SMALL_IMAGE = codec.ImageMessage(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
# Larger than the buffer that small messages share.
LARGE_IMAGE = codec.ImageMessage(
    np.arange(40_000, dtype=np.uint16).reshape(10, 40, 100),
    big_endian=True,
    header_version=2,
    metadata={"SeriesInstanceUID": "1.2.3"},
)
MESSAGES = [QUERY, STATUS, LISTING, SMALL_IMAGE, LARGE_IMAGE, STATUS, LARGE_IMAGE, QUERY]
STREAM = b"".join(map(codec.pack, MESSAGES))


def start_large_image(receiver: codec.Receiver, count: int = 1000) -> None:
    """Give the receiver an image's first bytes, so many that its body has begun."""
    assert feed(receiver, codec.pack(LARGE_IMAGE)[:count]) == []


class TestMessages:
    def test_come_out_in_their_order(self):
        assert feed(codec.Receiver(), STREAM) == MESSAGES

    @pytest.mark.usefixtures("each_crc_path")
    @pytest.mark.parametrize("piece_size", [1, 2, 57, 58, 59, 1460, 65535, 65536, 65537, 262_144])
    def test_are_the_same_however_the_stream_is_cut(self, piece_size: int):
        assert feed(codec.Receiver(), STREAM, piece_size) == MESSAGES

    def test_are_the_same_wherever_one_cut_falls(self):
        stream = b"".join(map(codec.pack, (QUERY, STATUS, LISTING, SMALL_IMAGE)))
        for cut in range(len(stream)):
            events = feed_pieces(codec.Receiver(), (stream[:cut], stream[cut:]))
            assert events == [QUERY, STATUS, LISTING, SMALL_IMAGE]

    def test_come_out_as_soon_as_their_last_byte_is_there(self):
        receiver = codec.Receiver()
        data = codec.pack(STATUS)
        assert feed(receiver, data[:-1]) == []
        assert feed(receiver, data[-1:]) == [STATUS]

    def test_many_small_ones_in_one_piece(self):
        assert feed(codec.Receiver(), codec.pack(QUERY) * 5000) == [QUERY] * 5000

    @pytest.mark.parametrize("size", range(65_536 - 59, 65_536 + 3))
    def test_whose_size_is_near_that_of_the_shared_buffer(self, size: int):
        message = codec.UnknownMessage("CUSTOM", content=bytes(size - 58))
        stream = codec.pack(STATUS) + codec.pack(message) + codec.pack(STATUS)
        for piece_size in (1 << 20, 50_000, 65_536):
            assert feed(codec.Receiver(), stream, piece_size) == [STATUS, message, STATUS]

    def test_keep_their_content_when_others_arrive(self):
        receiver = codec.Receiver()
        first, *_ = feed(receiver, codec.pack(SMALL_IMAGE))
        feed(receiver, STREAM * 3)
        assert first == SMALL_IMAGE

    def test_an_empty_piece_changes_nothing(self):
        receiver = codec.Receiver()
        feed(receiver, codec.pack(STATUS)[:30])
        receiver.get_buffer()
        assert receiver.buffer_updated(0) == []
        assert feed(receiver, codec.pack(STATUS)[30:]) == [STATUS]

    def test_their_pixels_can_be_changed(self):
        # They belong to the message alone: a volume may take them over.
        for image in (SMALL_IMAGE, LARGE_IMAGE):
            (message,) = feed(codec.Receiver(), codec.pack(image))
            assert message.pixels.flags.writeable


class TestBuffer:
    def test_is_never_empty(self):
        receiver = codec.Receiver()
        for byte in STREAM:
            place = receiver.get_buffer()
            assert len(place) > 0
            place[0] = byte
            receiver.buffer_updated(1)

    def test_of_a_large_body_is_the_memory_of_the_image(self):
        receiver = codec.Receiver()
        start_large_image(receiver)
        place = np.frombuffer(receiver.get_buffer(), np.uint8)
        (message,) = feed(receiver, codec.pack(LARGE_IMAGE)[1000:])
        assert np.shares_memory(place, message.pixels)

    def test_of_a_large_body_ends_with_the_body(self):
        # What follows is another message's.
        receiver = codec.Receiver()
        data = codec.pack(LARGE_IMAGE)
        start_large_image(receiver, len(data) - 10)
        assert len(receiver.get_buffer()) == 10


class TestAlignment:
    """A large image is received into place: its pixels lie aligned, and nothing is copied."""

    @pytest.mark.parametrize("extended_header_size", [None, *range(12, 28)])
    def test_of_float64_behind_any_headers(self, extended_header_size: int | None):
        pixels = np.linspace(0, 1, 20_000).reshape(10, 20, 100)
        body = content_of_image(
            pixels.astype("<f8").tobytes(), scalar_type=codec.ScalarType.FLOAT64, size=(100, 20, 10)
        )
        version = 1
        if extended_header_size is not None:
            version = 2
            body = version_2_body(body, extended_header_size=extended_header_size)
        data = frame("IMAGE", body, version=version)
        receiver = codec.Receiver()
        feed(receiver, data[:1000])
        place = np.frombuffer(receiver.get_buffer(), np.uint8)

        (message,) = feed(receiver, data[1000:])

        assert message.pixels.flags.aligned
        assert message.pixels.flags.c_contiguous
        assert np.shares_memory(message.pixels, place)
        np.testing.assert_array_equal(message.pixels, pixels)

    @pytest.mark.parametrize("first_piece", [58, 59, 60])
    def test_where_the_header_arrives_alone(self, first_piece: int):
        # The size of the extended header, which decides where pixels begin, comes after it.
        image = codec.ImageMessage(np.linspace(0, 1, 20_000).reshape(10, 20, 100), header_version=2)
        receiver = codec.Receiver()
        data = codec.pack(image)
        feed(receiver, data[:first_piece])
        feed(receiver, data[first_piece:1000])
        place = np.frombuffer(receiver.get_buffer(), np.uint8)
        (message,) = feed(receiver, data[1000:])
        assert message == image
        assert np.shares_memory(message.pixels, place)

    def test_metadata_behind_the_pixels_force_no_copy(self):
        pixels = np.linspace(0, 1, 20_000).reshape(10, 20, 100)
        metadata = {"odd": "x" * 13}
        image = codec.ImageMessage(pixels, header_version=2, metadata=metadata)
        receiver = codec.Receiver()
        data = codec.pack(image)
        feed(receiver, data[:1000])
        place = np.frombuffer(receiver.get_buffer(), np.uint8)
        (message,) = feed(receiver, data[1000:])
        assert message == image
        assert np.shares_memory(message.pixels, place)


@pytest.mark.usefixtures("each_crc_path")
class TestChecksum:
    @pytest.mark.parametrize("image", [SMALL_IMAGE, LARGE_IMAGE], ids=["small", "large"])
    @pytest.mark.parametrize("piece_size", [100, 1 << 20])
    def test_a_wrong_one_rejects_the_message_and_the_stream_goes_on(
        self, image: codec.ImageMessage, piece_size: int
    ):
        damaged = bytearray(codec.pack(replace(image, device_name="IMAGE_0")))
        damaged[-1] ^= 1
        stream = bytes(damaged) + codec.pack(STATUS)

        rejected, status = feed(codec.Receiver(), stream, piece_size)

        assert isinstance(rejected, Rejected)
        assert rejected.header.device_name == "IMAGE_0"
        assert isinstance(rejected.error, ChecksumError)
        assert "IMAGE 'IMAGE_0' arrived damaged" in str(rejected.error)
        assert status == STATUS

    def test_a_wrong_one_does_not_matter_where_none_are_checked(self):
        data = bytearray(STREAM)
        data[50] ^= 1  # in the first header's checksum
        assert feed(codec.Receiver(check_crc=False), bytes(data)) == MESSAGES


class TestUnreadable:
    def test_a_header_version_that_nobody_knows(self):
        stranger = frame("STATUS", bytes(100), version=3, device_name=b"Future")
        rejected, status = feed(codec.Receiver(), stranger + codec.pack(STATUS), 7)
        assert isinstance(rejected.error, HeaderVersionError)
        assert rejected.header.version == 3
        assert status == STATUS

    def test_a_content_that_does_not_fit_its_type(self):
        stream = frame("IMAGE", bytes(100)) + frame("IMGMETA", b"short") + codec.pack(STATUS)
        image, listing, status = feed(codec.Receiver(), stream)
        assert "IMAGE has the format version 0" in str(image.error)
        assert "5 bytes are not a multiple" in str(listing.error)
        assert status == STATUS

    def test_a_large_content_that_does_not_fit_its_type(self):
        stream = frame("IMAGE", bytes(100_000)) + codec.pack(STATUS)
        image, status = feed(codec.Receiver(), stream, 1460)
        assert isinstance(image.error, codec.DecodeError)
        assert status == STATUS

    def test_noise_is_rejected_not_raised(self):
        noise = np.random.default_rng(1).bytes(100_000)
        events = feed(codec.Receiver(), noise, 1000)
        assert events
        assert all(isinstance(event, Rejected) for event in events)


class TestLimit:
    def test_a_body_of_that_size_is_received(self):
        body_size = len(codec.pack(LARGE_IMAGE)) - 58
        receiver = codec.Receiver(max_body_size=body_size)
        assert feed(receiver, codec.pack(LARGE_IMAGE)) == [LARGE_IMAGE]
        (event,) = feed(codec.Receiver(max_body_size=body_size - 1), codec.pack(LARGE_IMAGE))
        assert isinstance(event.error, BodySizeError)

    def test_a_larger_body_is_rejected_by_its_header_and_passed_over(self):
        receiver = codec.Receiver(max_body_size=1000)
        stream = codec.pack(LARGE_IMAGE) + codec.pack(STATUS)
        (rejected,) = feed(receiver, stream[:58])
        assert str(rejected.error).endswith("claims a body of 80116 bytes; the limit is 1000")
        assert receiver.is_passing_over
        assert not receiver.is_between_messages
        assert feed(receiver, stream[58:], 999) == [STATUS]
        assert not receiver.is_passing_over
        assert receiver.is_between_messages

    @pytest.mark.parametrize("body_size", [1 << 31 | 1, 1 << 63, (1 << 64) - 1])
    def test_a_body_size_beyond_reason_takes_no_memory(self, body_size: int):
        receiver = codec.Receiver()
        data = frame("IMAGE", body_size=body_size, device_name=b"IMAGE_0") + bytes(100_000)
        tracemalloc.start()
        try:
            (rejected,) = feed(receiver, data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert isinstance(rejected.error, BodySizeError)
        assert f"claims a body of {body_size} bytes; the limit is {2 << 30}" in str(rejected.error)
        assert peak < 100_000
        assert not receiver.is_between_messages  # the rest of it may still come


class TestNoMemory:
    @pytest.mark.parametrize("body_size", [1 << 62, (1 << 63) + 1, (1 << 64) - 1])
    def test_a_body_that_no_machine_can_hold_is_rejected(self, body_size: int):
        receiver = codec.Receiver(max_body_size=1 << 64)
        header = frame("IMAGE", body_size=body_size, crc=0)
        [rejected] = feed(receiver, header + b"its first bytes")
        assert isinstance(rejected.error, codec.BodySizeError)
        assert "no memory" in str(rejected.error)
        assert receiver.is_passing_over

    def test_a_large_body_that_cannot_be_copied_is_rejected(self, monkeypatch: pytest.MonkeyPatch):
        # Texts and the frame of a video are copied when they are read.
        def unpack_content(*_: object, **__: object) -> codec.Message:
            raise MemoryError

        monkeypatch.setattr(codec.VideoMessage, "unpack_content", unpack_content)
        video = codec.pack(codec.VideoMessage(bytes(100_000)))
        rejected, status = feed(codec.Receiver(), video + codec.pack(STATUS))
        assert isinstance(rejected.error, codec.BodySizeError)
        assert str(rejected.error).startswith("no memory for 100076 bytes of the message VIDEO")
        assert status == STATUS


class TestMemory:
    @pytest.mark.usefixtures("each_crc_path")
    @pytest.mark.parametrize("big_endian", [False, True])
    @pytest.mark.parametrize("header_version", [1, 2])
    def test_a_large_image_takes_little_more_than_itself(
        self, header_version: int, big_endian: bool
    ):
        pixels = np.zeros((64, 512, 512), np.uint16)
        pixels[-1, -1, -1] = 12345
        fields = {"header_version": header_version, "big_endian": big_endian}
        data = codec.pack(codec.ImageMessage(pixels, **fields))
        tracemalloc.start()
        try:
            (message,) = feed(codec.Receiver(), data, 1 << 16)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert message.pixels[-1, -1, -1] == 12345
        assert pixels.nbytes <= peak <= pixels.nbytes + 8 * MIB


class TestProgress:
    def test_between_messages_there_is_none(self):
        receiver = codec.Receiver()
        assert receiver.progress is None
        assert receiver.is_between_messages
        feed(receiver, STREAM)
        assert receiver.progress is None
        assert receiver.is_between_messages

    def test_of_a_large_body_counts_its_bytes(self):
        receiver = codec.Receiver()
        data = codec.pack(LARGE_IMAGE)
        last = len(data) - 1
        for fed, received in ((0, 1000), (1000, 30_000), (30_000, last)):
            feed(receiver, data[fed:received])
            assert receiver.progress.header.type_name == "IMAGE"
            assert receiver.progress.received == received - 58
            assert receiver.progress.body_size == len(data) - 58
            assert not receiver.is_between_messages
        feed(receiver, data[-1:])
        assert receiver.progress is None

    def test_of_a_small_body(self):
        receiver = codec.Receiver()
        feed(receiver, codec.pack(STATUS)[:60])
        assert (receiver.progress.received, receiver.progress.body_size) == (2, 36)

    def test_of_half_a_header_nothing_is_known(self):
        receiver = codec.Receiver()
        feed(receiver, codec.pack(STATUS)[:57])
        assert receiver.progress is None
        assert not receiver.is_between_messages

    def test_all_bytes_are_counted(self):
        receiver = codec.Receiver(max_body_size=1000)
        feed(receiver, STREAM, 1460)
        assert receiver.bytes_received == len(STREAM)


class TestDiscard:
    def test_passes_over_the_rest_of_a_large_message(self):
        receiver = codec.Receiver()
        start_large_image(receiver)
        assert not receiver.is_passing_over
        assert receiver.discard()
        assert receiver.is_passing_over
        assert receiver.progress is None
        assert not receiver.is_between_messages
        rest = codec.pack(LARGE_IMAGE)[1000:] + codec.pack(STATUS)
        assert feed(receiver, rest, 1460) == [STATUS]
        assert receiver.is_between_messages

    def test_between_messages_there_is_nothing_to_discard(self):
        receiver = codec.Receiver()
        assert not receiver.discard()
        assert feed(receiver, codec.pack(STATUS)) == [STATUS]

    def test_a_small_message_comes_all_the_same(self):
        receiver = codec.Receiver()
        feed(receiver, codec.pack(STATUS)[:60])
        assert not receiver.discard()
        assert feed(receiver, codec.pack(STATUS)[60:]) == [STATUS]


def test_a_large_message_is_received_into_the_memory_of_one_that_nobody_uses():
    receiver = codec.Receiver()

    def received(shade: int, slices: int) -> codec.ImagePartMessage:
        size = (512, 512, slices)
        data = bytes([shade]) * (512 * 512 * slices)
        part = codec.ImagePartMessage(data, codec.ScalarType.UINT8, size, size=size)
        (message,) = feed(receiver, codec.pack(part))
        return message

    first = received(1, 4)
    receiver.reuse(first.data)
    second = received(2, 3)
    assert np.shares_memory(second.voxels(), first.voxels())
    assert second.voxels().shape == (3, 512, 512)
    assert (second.voxels() == 2).all()
    third = received(3, 3)  # the second is still used
    assert not np.shares_memory(third.voxels(), second.voxels())
    receiver.reuse(third.data)
    assert not np.shares_memory(received(4, 5).voxels(), third.voxels())  # it is too small
