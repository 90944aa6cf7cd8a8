"""Plain volumes that are damaged, or made to lie: none keeps the others from being served."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import wait
from pathlib import Path

import numpy as np
import pytest

from helpers.peers import PATIENCE
from helpers.replaced_files import replace_with_time
from helpers.volume_files import META_HEADER, NRRD_HEADER, VOXELS, write_with_itk
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.plain_volumes import folder_files
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.plain_volumes.itk_process import PROCESS
from IGTLMetaBrowserLib.sources.plain_volumes.itk_reading import Request, VolumeHeader
from IGTLMetaBrowserLib.sources.plain_volumes.volume_file import read_label_map, read_volume


def test_a_name_that_is_not_utf_8_is_refused_and_the_others_served(tmp_path: Path):
    """As from file servers that had Latin-1."""
    write_with_itk(tmp_path / ".nrrd")
    latin_1 = tmp_path / os.fsdecode("Müller.nrrd".encode("latin-1"))
    latin_1.write_bytes((tmp_path / ".nrrd").read_bytes())
    source = PlainVolumeSource(tmp_path)
    ((name, reason),) = source.refused
    assert (name, "is not UTF-8; rename it" in reason) == (latin_1.name, True)
    (item,) = source.images()
    assert item.id  # the name without its ending is empty; by that nobody could ask for it
    with pytest.raises(SourceError, match="is not UTF-8"):
        read_label_map(latin_1)


def test_damage_at_which_metaio_would_read_for_ever_is_found_before(tmp_path: Path):
    header = (
        META_HEADER + "CompressedData = True\nCompressedDataSize = 44\nElementDataFile = LOCAL\n"
    )
    (tmp_path / "a.mha").write_bytes(header.encode() + b"x???" + bytes(40))
    (item,) = PlainVolumeSource(tmp_path).images()
    with pytest.raises(SourceError, match="is damaged"):
        PlainVolumeSource(tmp_path).image(item.id)


@pytest.mark.parametrize("dimensions", ["1e308", "99999999999", "-1", "", "3 x"])
def test_dimensions_at_which_metaio_would_end_the_process_are_refused(tmp_path: Path, dimensions):
    header = META_HEADER.replace("NDims = 3", f"NDims = {dimensions}")
    (tmp_path / "a.mha").write_bytes(f"{header}ElementDataFile = LOCAL\n".encode() + bytes(24))
    ((_, reason),) = PlainVolumeSource(tmp_path).refused
    assert "its NDims" in reason


def test_keys_that_are_not_utf_8_keep_no_segmentation_from_being_offered(tmp_path: Path):
    header = f"{NRRD_HEADER}Schl\xfcssel:=1\nSegment0_ID:=a\nSegment0_Name:=Tumor\n\n"
    (tmp_path / "a.seg.nrrd").write_bytes(header.encode("latin-1") + bytes(24))
    (label,) = PlainVolumeSource(tmp_path).label_maps()
    assert label.name == "Tumor"


@pytest.mark.parametrize("seconds", [-86400, 2**33])
def test_a_file_of_a_time_that_openigtlink_cannot_hold_has_none(tmp_path: Path, seconds: int):
    """One such file must not keep the others from being served."""
    write_with_itk(tmp_path / "CT.nrrd")
    os.utime(tmp_path / "CT.nrrd", (seconds, seconds))
    (item,) = PlainVolumeSource(tmp_path).images()
    assert item.scan_time.to_datetime() is None


def test_a_packed_nifti_file_has_no_voxels_of_the_one_beside_it(tmp_path: Path):
    """Given CT.nii.gz alone, then with another image as CT.nii: it is not sent with its voxels."""
    write_with_itk(tmp_path / "CT.nii.gz")
    source = PlainVolumeSource(tmp_path)
    write_with_itk(tmp_path / "CT.nii", VOXELS + 1)

    with pytest.raises(SourceError, match=r"cannot be read beside 'CT\.nii'.*rename"):
        source.image("CT")

    anew = PlainVolumeSource(tmp_path)
    assert [name for name, _ in anew.refused] == ["CT.nii.gz"]
    (item,) = anew.images()
    np.testing.assert_array_equal(anew.image(item.id).pixels, VOXELS + 1)


@pytest.mark.parametrize(
    "trick", ["Comment = ElementDataFile = LOCAL", "Foo\nElementDataFile = LOCAL"]
)
def test_a_metaimage_with_a_second_name_far_behind_is_not_sent(tmp_path: Path, trick: str):
    """MetaIO does not end the header at the first: it would read the file of the second."""
    folder = tmp_path / "served"
    folder.mkdir()
    (tmp_path / "secret.txt").write_bytes(b"a secret that nobody gets")
    comments = "Comment = long\n" * 80_000  # what is looked at when it is listed has less
    header = META_HEADER.replace("24 1 1", "2000 1000 1")  # long enough for all that
    (folder / "a.mha").write_text(f"{header}{trick}\n{comments}ElementDataFile = ../secret.txt\n")
    source = PlainVolumeSource(folder)
    with pytest.raises(SourceError, match="names several files"):
        source.image("a")


def test_a_sparse_metaimage_is_refused_without_being_read(tmp_path: Path):
    """4 TiB on no disk space: until somebody had read them, nobody would get another volume."""
    with (tmp_path / "a.mha").open("wb") as file:
        file.write(f"{META_HEADER}ElementDataFile = LOCAL\n".encode() + bytes(24))
        file.truncate(1 << 42)
    with pytest.raises(SourceError, match="is longer than its header and its voxels"):
        PlainVolumeSource(tmp_path).image("a")


def test_a_volume_without_voxels_is_refused(tmp_path: Path):
    header = META_HEADER.replace("24 1 1", "0 1 1")
    (tmp_path / "a.mha").write_text(f"{header}ElementDataFile = LOCAL\n")
    ((_, reason),) = PlainVolumeSource(tmp_path).refused
    assert reason.startswith("its size is (0, 1, 1)")
    assert read_volume(tmp_path / "a.mha")[0].size == 0  # no other error, should it become so


# What nobody has thought of: it ends the process of ITK, and not the one that serves


def test_a_file_that_keeps_itk_busy_for_ever_is_refused_and_the_next_is_read(tmp_path: Path):
    """As this one would, if its dimensions were not looked at before."""
    header = META_HEADER.replace("NDims = 3", "NDims = 1e308")
    (tmp_path / "a.mha").write_text(f"{header}ElementDataFile = LOCAL\n")
    write_with_itk(tmp_path / "head.nrrd")
    with pytest.raises(SourceError, match="reading it has ended ITK, or takes too long"):
        PROCESS.read_header(tmp_path / "a.mha", "MetaImageIO", seconds=0.05)
    np.testing.assert_array_equal(read_volume(tmp_path / "head.nrrd")[0], VOXELS)


def seconds_given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Return a list that tells which headers are read, in how many seconds at most."""
    given = []

    def read_header(path: Path, image_io: str, seconds: float) -> VolumeHeader:
        given.append((path.name, seconds))
        return read(path, image_io, seconds)

    read = PROCESS.read_header
    monkeypatch.setattr(PROCESS, "read_header", read_header)
    return given


def write_slow_header(path: Path) -> None:
    """Write a compressed file that begins with nothing, again and again: that is read, too."""
    write_with_itk(path)
    path.write_bytes(gzip.compress(b"") * 4_000 + path.read_bytes())


def test_when_much_time_was_lost_on_headers_the_others_have_a_second_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A thousand that take ten seconds each would keep a server from starting for hours."""
    (tmp_path / "a.nrrd").write_text(f"{NRRD_HEADER}no field\n\n")
    for name in "bc":
        write_with_itk(tmp_path / f"{name}.nrrd")
    monkeypatch.setattr(folder_files, "_MOST_SECONDS_LOST", 1e-9)
    given = seconds_given(monkeypatch)
    source = PlainVolumeSource(tmp_path)
    assert given == [("a.nrrd", 10), ("b.nrrd", 1), ("c.nrrd", 1)]
    assert [item.id for item in source.images()] == ["b", "c"]


def test_time_on_headers_that_are_read_at_last_is_lost_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_slow_header(tmp_path / "a.nii.gz")
    write_with_itk(tmp_path / "b.nrrd")
    monkeypatch.setattr(folder_files, "_MOST_SECONDS_LOST", 1e-9)
    monkeypatch.setattr(folder_files, "_HEADER_SECONDS_THEN", 0.01)
    given = seconds_given(monkeypatch)
    source = PlainVolumeSource(tmp_path)
    assert given == [("a.nii.gz", 10), ("b.nrrd", 0.01)]
    assert "a" in [item.id for item in source.images()]


def test_a_header_that_had_too_little_time_is_read_when_the_list_is_refreshed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As those on a slow network drive, behind many that are slow."""
    write_slow_header(tmp_path / "a.nii.gz")
    with monkeypatch.context() as changed:
        changed.setattr(folder_files, "_MOST_SECONDS_LOST", 0.0)
        changed.setattr(folder_files, "_HEADER_SECONDS_THEN", 0.01)
        source = PlainVolumeSource(tmp_path)
    assert source.refused == [("a.nii.gz", folder_files._SLOW)]
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
    monkeypatch.setattr(folder_files, "HEADER_SECONDS", PATIENCE)
    assert [item.id for item in source.images()] == ["a"]
    np.testing.assert_array_equal(source.image("a").pixels, VOXELS)


def test_a_compressed_file_that_does_not_end_is_refused_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its voxels are whole; behind them, where the end and its checksum are looked for, there is
    nothing, again and again."""
    write_with_itk(tmp_path / "a.nii.gz")
    with (tmp_path / "a.nii.gz").open("ab") as file:
        file.write(gzip.compress(b"") * 200_000)
    write_with_itk(tmp_path / "head.nrrd")
    with monkeypatch.context() as changed:
        changed.setattr("IGTLMetaBrowserLib.sources.plain_volumes.itk_process._VOXEL_SECONDS", 0.05)
        with pytest.raises(SourceError, match="takes too long"):
            read_volume(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "head.nrrd")[0], VOXELS)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no memory of a process")
def test_a_file_that_takes_more_memory_than_it_should_is_refused(tmp_path: Path):
    path = tmp_path / "huge.nrrd"
    path.write_text(NRRD_HEADER.replace("24 1 1", "1000 1000 3000") + "\n")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 3_000_000_000)  # zeros that take no room
    with pytest.raises(SourceError, match="memory"):
        PROCESS.read_voxels(path, "NrrdImageIO", np.empty(24, np.uint8))


def test_itk_is_started_again_when_the_system_has_ended_it(tmp_path: Path):
    """For want of memory perhaps, while it was not asked."""
    write_with_itk(tmp_path / "head.nrrd")
    with PROCESS._running() as process:
        process.kill()
        process.wait()
    np.testing.assert_array_equal(read_volume(tmp_path / "head.nrrd")[0], VOXELS)


WITHOUT_THREADS = """
import _thread, sys, threading
from pathlib import Path
from IGTLMetaBrowserLib.sources.plain_volumes.itk_process import PROCESS

_thread.start_new_thread = threading._start_new_thread = lambda *_: 0
threading._start_joinable_thread = lambda *_, **__: 0  # since Python 3.13
print(PROCESS.read_header(Path(sys.argv[1]), "NrrdImageIO").size)
"""


def test_a_thread_for_which_there_is_no_memory_is_not_waited_for(tmp_path: Path):
    """It ends before it tells that it has begun. Nobody else could use ITK any more."""
    write_with_itk(tmp_path / "head.nrrd")
    words = [sys.executable, "-c", WITHOUT_THREADS, str(tmp_path / "head.nrrd")]
    root = str(Path(codec.__file__).parents[2])
    ran = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
        check=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert ran.stdout == b"[2, 3, 4]\n"


def stop_itk() -> subprocess.Popen[bytes]:
    """Stop the process of ITK, as is one whose disk does not answer; the next is not."""
    with PROCESS._running() as process:
        process.send_signal(signal.SIGSTOP)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_a_file_is_refused_if_itk_does_not_answer_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_with_itk(tmp_path / "head.nrrd")
    stop_itk()
    with monkeypatch.context() as changed:
        changed.setattr(
            "IGTLMetaBrowserLib.sources.plain_volumes.itk_process._SECONDS_TO_START", 0.05
        )
        with pytest.raises(SourceError, match="takes too long"):
            PROCESS.read_header(tmp_path / "head.nrrd", "NrrdImageIO", seconds=0.05)
    np.testing.assert_array_equal(read_volume(tmp_path / "head.nrrd")[0], VOXELS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_a_source_that_is_closed_reads_nothing_more(tmp_path: Path):
    """Neither what waits, nor what is being read, which here would take more than a minute."""
    for name in "ab":
        write_with_itk(tmp_path / f"{name}.nrrd")
    source = PlainVolumeSource(tmp_path, is_served=True)
    process = stop_itk()
    for name in "ab":
        with pytest.raises(NotReadyError):
            source.image(name)
    first, waiting = source._background._futures.values()
    source.close()
    assert process.poll() is not None
    assert waiting.cancelled()
    assert first.cancelled() or first.exception() is not None


def test_an_answer_that_nobody_has_read_is_never_taken_for_another_files(tmp_path: Path):
    """As after Ctrl-C."""
    write_with_itk(tmp_path / "a.nrrd", VOXELS[:1])
    write_with_itk(tmp_path / "b.nrrd")

    def ask_and_be_interrupted() -> None:
        request = Request(str(tmp_path / "a.nrrd"), "NrrdImageIO", 10.0)
        with PROCESS._running() as process:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_and_be_interrupted()
    assert PROCESS.read_header(tmp_path / "b.nrrd", "NrrdImageIO").size == [2, 3, 4]


def test_refusals_say_nothing_of_where_files_are(tmp_path: Path):
    write_with_itk(tmp_path / "a.nrrd")
    data = (tmp_path / "a.nrrd").read_bytes()
    source = PlainVolumeSource(tmp_path)
    for content in (b"no header", data[:-4]):
        (tmp_path / "a.nrrd").write_bytes(content)
        with pytest.raises(SourceError, match=r"^'a\.nrrd' cannot be read: ") as raised:
            read_volume(tmp_path / "a.nrrd")
        assert str(tmp_path) not in str(raised.value)
    with pytest.raises(SourceError, match="has changed"):
        source.image("a")


def test_another_patients_file_of_the_same_size_and_time_is_never_sent(tmp_path: Path):
    write_with_itk(tmp_path / "CT.nii")
    source = PlainVolumeSource(tmp_path)
    before = source.image_version("CT")
    write_with_itk(tmp_path / "other.nii", VOXELS + 1)
    replace_with_time(tmp_path / "CT.nii", tmp_path / "other.nii")
    assert source.image_version("CT") != before
    with pytest.raises(SourceError, match="has changed"):
        source.image("CT")


def test_a_file_that_is_replaced_while_it_waits_to_be_read_is_never_sent(tmp_path: Path):
    """Its version was that of the listing when its reading began."""
    write_with_itk(tmp_path / "CT.nii")
    write_with_itk(tmp_path / "z.nii", VOXELS + 1)
    source = PlainVolumeSource(tmp_path, is_served=True)
    with PROCESS._running():  # so that the reading waits
        with pytest.raises(NotReadyError):
            source.image("CT")
        replace_with_time(tmp_path / "CT.nii", tmp_path / "z.nii")
    (future,) = source._background._futures.values()
    with pytest.raises(SourceError, match="has changed"):
        future.result()
    source.close()


def test_no_more_images_are_read_than_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Many clients that ask for other images and take none must not fill the memory."""
    monkeypatch.setattr("IGTLMetaBrowserLib.sources.background._SECONDS_KEPT", PATIENCE)
    for name in "abcd":
        write_with_itk(tmp_path / f"{name}.nrrd")
    source = PlainVolumeSource(tmp_path, is_served=True)
    for name in "abcd":
        with pytest.raises(NotReadyError):
            source.image(name)
    begun = source._background._futures
    assert [path.name for path, _ in begun] == ["a.nrrd", "b.nrrd"]

    wait(begun.values())
    source.image("a")
    with pytest.raises(NotReadyError):
        source.image("c")
    assert [path.name for path, _ in begun] == ["b.nrrd", "c.nrrd"]

    wait(begun.values())
    monkeypatch.setattr("IGTLMetaBrowserLib.sources.background._SECONDS_KEPT", 0.0)
    with pytest.raises(NotReadyError):
        source.image("d")  # those who have asked for the others have left
    assert [path.name for path, _ in begun] == ["c.nrrd", "d.nrrd"]
    source.close()
