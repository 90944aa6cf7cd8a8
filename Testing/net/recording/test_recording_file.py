"""The file of a recording: whatever happens to it, what is read of it was sent, and is in order."""

from __future__ import annotations

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from helpers.peers import make_image, step_until
from helpers.recordings import stepped
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.recording import (
    FIRST_LINE,
    Event,
    Record,
    RecordingError,
    RecordingWriter,
    read_recording,
)
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.net.recording.script import make_scripts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording with a record of each kind."""
    path = tmp_path / "device.igtl"
    writer = RecordingWriter(path)
    writer.write(Event.CONNECTED, 1)
    writer.write(Event.CLIENT_SENT, 1, codec.pack(codec.GetMessage("IMAGE", device_name="A")))
    writer.write(Event.SERVER_SENT, 1, codec.pack(make_image(5)))
    writer.write(Event.ENDED, 1)
    writer.close()
    return path


def test_it_is_readable_after_a_crash_at_any_byte(file: Path, caplog: pytest.LogCaptureFixture):
    data = file.read_bytes()
    whole = list(read_recording(file))
    ends = []
    for length in range(len(FIRST_LINE), len(data)):
        file.write_bytes(data[:length])
        records = list(read_recording(file))
        assert records == whole[: len(records)]
        if not caplog.messages:
            ends.append(len(records))  # the file ends between two records
        caplog.clear()
    assert ends == [0, 1, 2, 3]


def test_damage_of_any_byte_ends_it_there_and_is_said(file: Path, caplog: pytest.LogCaptureFixture):
    data = file.read_bytes()
    whole = list(read_recording(file))
    for place in range(len(FIRST_LINE), len(data)):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        records = list(read_recording(file))
        assert records == whole[: len(records)]
        assert len(records) < len(whole)
        assert "is damaged or cut off" in caplog.text
        caplog.clear()


def test_it_can_come_through_a_pipe(file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """As from a program that decompresses it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as other:
        other.submit(pipe.write_bytes, file.read_bytes())
        assert list(read_recording(pipe)) == list(read_recording(file))
    assert not caplog.messages


def test_many_bytes_at_once_are_all_there(tmp_path: Path):
    """A large image, which is redacted when it is whole."""
    writer = RecordingWriter(tmp_path / "file")
    data = np.arange(9 << 20, dtype=np.uint64).tobytes()  # 72 MiB
    writer.write(Event.SERVER_SENT, 1, data)
    writer.close()
    assert b"".join(record.data for record in read_recording(tmp_path / "file")) == data


def test_a_record_that_inflates_to_more_than_any_is_damaged(tmp_path: Path):
    """The rest of it would be missing, and shift all that follows."""
    path = tmp_path / "file"
    writer = RecordingWriter(path)
    writer.write(Event.CONNECTED, 1)
    writer.close()
    packed = zlib.compress(bytes(65 << 20))
    record = struct.pack(">BBIQI", Event.SERVER_SENT, 1, 1, 0, len(packed)) + packed
    with path.open("ab") as end:
        end.write(record + struct.pack(">I", zlib.crc32(record)))
    assert [one.event for one in read_recording(path)] == [Event.CONNECTED]


def test_pixels_that_can_be_made_smaller_are(tmp_path: Path):
    writer = RecordingWriter(tmp_path / "file")
    data = bytes(1_000_000)
    writer.write(Event.SERVER_SENT, 1, data)
    writer.close()
    assert (tmp_path / "file").stat().st_size < 10_000
    (record,) = read_recording(tmp_path / "file")
    assert (record.event, record.connection, record.data) == (Event.SERVER_SENT, 1, data)


def test_a_file_that_is_full_has_all_up_to_there(tmp_path: Path):
    file = tmp_path / "file"
    writer = RecordingWriter(file, most_bytes=1 << 20)
    data = np.random.default_rng(1).bytes(600_000)
    writer.write(Event.SERVER_SENT, 1, data)
    with pytest.raises(RecordingError, match=r"limit of 1 MiB.* a higher --max-size"):
        writer.write(Event.SERVER_SENT, 1, data)
    writer.close()
    assert [one.data for one in read_recording(file)] == [data]


def test_a_file_that_becomes_large_when_it_is_inflated_is_not_replayed(tmp_path: Path):
    file = tmp_path / "file"
    writer = RecordingWriter(file)
    writer.write(Event.CONNECTED, 1)
    for _ in range(3):
        writer.write(Event.SERVER_SENT, 1, bytes(1 << 20))
    writer.close()
    with pytest.raises(RecordingError, match=r"more than the limit of 2 MiB.* higher --max-size"):
        make_scripts(read_recording(file), most_bytes=2 << 20)


def test_nothing_is_collected_after_a_header_that_claims_too_much(caplog: pytest.LogCaptureFixture):
    """A port scan that reached the recorder does not keep the others from being replayed."""
    message = codec.pack(codec.StatusMessage(device_name="A"))
    larger_than_any = bytearray(message)
    larger_than_any[42:50] = b"\xff" * 8
    records = [
        Record(Event.CONNECTED, 1, 0.0),
        Record(Event.SERVER_SENT, 1, 0.1, message + larger_than_any),
        Record(Event.SERVER_SENT, 1, 0.2, message),
        Record(Event.CONNECTED, 2, 0.3),
        Record(Event.SERVER_SENT, 2, 0.4, message),
    ]
    scripts = make_scripts(records)
    assert [[data for _, data in script.unasked] for script in scripts] == [[message], [message]]
    assert "message of 18446744073709551615 bytes" in caplog.text


def test_what_is_no_recording_is_named(tmp_path: Path, file: Path):
    other = tmp_path / "other"
    other.write_text("hello")
    with pytest.raises(RecordingError, match="is not a recording of igtlmeta record"):
        list(read_recording(other))
    with pytest.raises(RecordingError, match="No such file"):
        list(read_recording(tmp_path / "none"))
    with pytest.raises(RecordingError, match="is not a recording of igtlmeta record"):
        list(read_recording(Path("/dev/zero")))
    with pytest.raises(RecordingError, match="there is one already; choose another name"):
        RecordingWriter(file)


# What is replayed of it


def test_many_small_things_take_memory_too():
    """A file of a megabyte can have a million queries, or connections."""
    query = codec.pack(codec.GetMessage("IMAGE"))
    connections = (Record(Event.CONNECTED, number, 0.0) for number in range(1 << 17))
    asked = (Record(Event.CLIENT_SENT, 1, 0.0, query * 100) for _ in range(1000))
    for records in (connections, [Record(Event.CONNECTED, 1, 0.0), *asked]):
        with pytest.raises(RecordingError, match="more than the limit of 16 MiB of memory"):
            make_scripts(records, most_bytes=16 << 20)


def test_connections_on_which_nothing_was_sent_take_no_clients_place():
    """As of a port scan, or of a test whether the port is open."""
    message = codec.pack(codec.StatusMessage(device_name="A"))
    records = [
        Record(Event.CONNECTED, 1, 0.0),
        Record(Event.ENDED, 1, 0.0),
        Record(Event.CONNECTED, 2, 0.0),
        Record(Event.SERVER_SENT, 2, 0.0, message),
    ]
    (script,) = make_scripts(records)
    assert script.unasked == [(0.0, message)]


def test_an_answer_that_is_not_whole_is_said_at_the_start_and_when_it_is_asked_for(
    caplog: pytest.LogCaptureFixture,
):
    """As in the recording of a recorder that was killed."""
    records = [
        Record(Event.CONNECTED, 1, 0.0),
        Record(Event.CLIENT_SENT, 1, 0.0, codec.pack(codec.GetMessage("IMAGE", device_name="A"))),
        Record(Event.SERVER_SENT, 1, 0.0, codec.pack(make_image(5))[:-1]),
    ]
    server = ReplayServer(make_scripts(records))
    assert "1 connections of the recording end in the middle of a message" in caplog.text
    with stepped(server), net.Client("127.0.0.1", server.port) as client:
        client.ask("IMAGE", "A")
        step_until(client, lambda: "GET_IMAGE is never answered in the recording" in caplog.text)
