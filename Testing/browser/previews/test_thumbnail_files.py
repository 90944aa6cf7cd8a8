"""Thumbnails on the user's disk."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from helpers.picture_server import entry, shade_of, thumbnail
from IGTLMetaBrowserLib.browser.previews.thumbnail_files import ThumbnailFiles, thumbnail_key

A, B = (thumbnail_key("host:1", entry(image_id)) for image_id in "AB")


@pytest.fixture
def files(tmp_path):
    return ThumbnailFiles(tmp_path / "thumbnails")


def test_what_is_kept_is_there_for_the_next_session(files, tmp_path):
    files.write(A, thumbnail(7, tag="x"))
    kept = ThumbnailFiles(tmp_path / "thumbnails").read(A)
    assert (shade_of(kept), kept.tag) == (7, "x")
    assert files.read(B) is None


def test_another_server_or_entry_is_another_image():
    keys = {
        thumbnail_key("host:1", entry("A")),
        thumbnail_key("host:2", entry("A")),
        thumbnail_key("host:1", entry("A", "Jones")),
        thumbnail_key("host:1", entry("A", modality="MR")),
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-10],
        lambda data: b"",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"\0" * len(data),
        lambda data: data + b"more",
    ],
    ids=["cut", "empty", "flipped", "zeros", "longer"],
)
def test_a_damaged_file_is_not_shown_and_goes(files, tmp_path, damage):
    files.write(A, thumbnail(7))
    (path,) = (tmp_path / "thumbnails").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert files.read(A) is None
    assert not path.exists()
    files.write(A, thumbnail(8))
    assert shade_of(files.read(A)) == 8


def test_a_file_under_another_images_name_is_not_shown(files, tmp_path):
    files.write(A, thumbnail(7))
    folder = tmp_path / "thumbnails"
    (folder / f"{A}.igtl").rename(folder / f"{B}.igtl")
    assert files.read(B) is None


def test_those_used_least_recently_go_first(tmp_path):
    files = ThumbnailFiles(tmp_path, limit=1500)
    keys = [thumbnail_key("host:1", entry(str(number))) for number in range(5)]
    for number, key in enumerate(keys):
        ThumbnailFiles(tmp_path, limit=10**6).write(key, thumbnail(number, size=(20, 20)))
        os.utime(tmp_path / f"{key}.igtl", ns=(number, number))
    files.read(keys[0])  # it counts as used now
    files.write(keys[4], thumbnail(4, size=(20, 20)))
    assert [files.read(key) is not None for key in keys] == [True, False, False, False, True]


def test_a_folder_that_may_not_be_written_to_is_no_reason_to_fail(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    files = ThumbnailFiles(tmp_path / "file" / "thumbnails")
    files.write(A, thumbnail(7))
    files.write(B, thumbnail(7))
    assert files.read(A) is None
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


_WRITER = """
import sys
from pathlib import Path
from helpers.picture_server import entry, thumbnail
from IGTLMetaBrowserLib.browser.previews.thumbnail_files import ThumbnailFiles, thumbnail_key
files, key = ThumbnailFiles(Path(sys.argv[1])), thumbnail_key("host:1", entry("A"))
written = thumbnail(int(sys.argv[2]), size=(100, 100))
for _ in range(200):
    files.write(key, written)
    kept = files.read(key)
    assert kept is not None and (kept.planes[0].pixels == kept.planes[0].pixels.flat[0]).all()
"""


def test_processes_that_write_the_same_show_the_whole_of_one(tmp_path):
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": paths}
    writers = [subprocess.Popen([*command, shade], env=environment) for shade in "12"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert shade_of(ThumbnailFiles(tmp_path).read(A)) in (1, 2)
