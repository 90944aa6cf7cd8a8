"""Thumbnails of a folder of DICOM files, which its index keeps."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

POSITIONS = [(-10, -20, 30), (-10, -20, 32), (-10, -20, 34)]


@pytest.fixture
def folder(tmp_path: Path, write_series) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    write_series(folder, POSITIONS)
    return folder


@contextmanager
def opened(folder: Path) -> Iterator[DicomFolderSource]:
    index = DicomIndex(folder, folder.parent / "index.sqlite")
    index.update()
    with closing(DicomFolderSource(folder, index=index)) as source:
        yield source


def served_thumbnail(source: DicomFolderSource) -> codec.ThumbnailMessage:
    (item,) = source.images()
    with ServerInThread(source) as server, server.client() as client:
        return client.get_thumbnail(item.id)


def test_the_next_run_reads_no_pixels_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    with opened(folder) as source:
        first = served_thumbnail(source)
    monkeypatch.setattr(DicomFolderSource, "image", None)  # it would fail
    with opened(folder) as source:
        second = served_thumbnail(source)
    assert first.tag == second.tag
    assert [plane.pixels.shape for plane in first.planes] == [(5, 7), (3, 5), (3, 7)]
    for one, other in zip(first.planes, second.planes, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.pixel_size == other.pixel_size


def test_one_that_a_disk_has_changed_is_made_anew(folder: Path):
    with opened(folder) as source:
        first = served_thumbnail(source)
    with sqlite3.connect(folder.parent / "index.sqlite") as connection:
        (content,) = connection.execute("SELECT content FROM thumbnails").fetchone()
        pixels = content.index(first.planes[0].pixels.tobytes())
        changed = content[:pixels] + bytes([content[pixels] ^ 0x40]) + content[pixels + 1 :]
        connection.execute("UPDATE thumbnails SET content = ?", (changed,))
    connection.close()
    with opened(folder) as source:
        second = served_thumbnail(source)
    assert np.array_equal(first.planes[0].pixels, second.planes[0].pixels)


def test_an_image_whose_files_have_changed_has_another(folder: Path):
    with opened(folder) as source:
        served_thumbnail(source)
    path = next(folder.iterdir())
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))
    with opened(folder) as source:
        (item,) = source.images()
        assert source.kept_thumbnail(item.id) is None


def test_what_is_gone_from_the_folder_is_forgotten(folder: Path):
    with opened(folder) as source:
        served_thumbnail(source)
    for path in folder.iterdir():
        path.unlink()
    with opened(folder) as source:
        assert source.index.query("SELECT COUNT(*) FROM thumbnails") == [(0,)]


def test_an_index_in_memory_keeps_none(folder: Path):
    with closing(DicomFolderSource(folder)) as source:
        served_thumbnail(source)
        assert source.index.query("SELECT COUNT(*) FROM thumbnails") == [(0,)]
