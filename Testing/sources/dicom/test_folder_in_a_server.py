"""A folder that is served: what takes long is done beside the thread that serves."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import numpy as np
import pytest
from highdicom.seg import SegmentationTypeValues
from pydicom.uid import RLELossless

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources import begun_work, folder_scans
from IGTLMetaBrowserLib.sources.dicom import folder_label_maps
from IGTLMetaBrowserLib.sources.dicom.decoding import Decoders
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.pixels import VolumeReading

PATIENCE = 30.0


class SlowIndex(DicomIndex):
    """An index of a share that is slow: ``update`` waits for ``may_go_on``."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.threads: set[int] = set()

    def update(self, *args, **options) -> int:
        assert self.may_go_on.wait(PATIENCE)
        self.threads.add(threading.get_ident())
        return super().update(*args, **options)


@pytest.fixture
def index(tmp_path, make_slice) -> SlowIndex:
    make_slice((0, 0, 0)).save_as(tmp_path / "first.dcm", enforce_file_format=True)
    index = SlowIndex(tmp_path)
    index.update()
    index.threads.clear()
    return index


@pytest.fixture
def source(index, tmp_path, monkeypatch) -> Iterator[DicomFolderSource]:
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", 0.0)
    monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", PATIENCE)  # the machine may be busy
    with closing(DicomFolderSource(tmp_path, index=index, seconds_a_turn=0.01)) as source:
        yield source
        index.may_go_on.set()


def after_turns(work: Callable):
    """Return what ``work`` returns when it is ready, as a server does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return work()
        except NotReadyError:
            threading.Event().wait(0.001)
    pytest.fail("it is never ready")


def test_new_files_are_found_in_another_thread(source, index, tmp_path, make_slice):
    make_slice((0, 0, 0), SeriesInstanceUID="1.2.3").save_as(tmp_path / "second.dcm")
    assert len(after_turns(source.images)) == 2
    assert threading.get_ident() not in index.threads


def test_during_a_long_scan_the_list_of_before_is_served(
    source, index, tmp_path, make_slice, monkeypatch
):
    make_slice((0, 0, 0), SeriesInstanceUID="1.2.3").save_as(tmp_path / "second.dcm")
    index.may_go_on.clear()
    with pytest.raises(NotReadyError):
        source.images()
    monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", 0.0)
    assert len(source.images()) == 1
    assert source.trajectories() == []
    index.may_go_on.set()
    end = time.monotonic() + PATIENCE
    while len(source.images()) < 2:
        assert time.monotonic() < end


def test_the_index_is_used_by_one_thread_at_a_time(source, index):
    """SQLite would let the second one wait, and with it all clients."""
    (item,) = after_turns(source.images)
    index.may_go_on.clear()
    with pytest.raises(NotReadyError):
        source.images()
    with pytest.raises(NotReadyError):
        source.metadata(item.id)
    with pytest.raises(NotReadyError):
        source.image(item.id)
    index.may_go_on.set()
    assert after_turns(lambda: source.metadata(item.id))["Modality"]
    assert after_turns(lambda: source.image(item.id)).pixels.size


def test_label_maps_are_read_in_another_thread(source, index, monkeypatch):
    after_turns(source.images)
    threads = []
    monkeypatch.setattr(
        folder_label_maps,
        "documents",
        lambda *_: threads.append(threading.get_ident()) or [],
    )
    assert after_turns(source.label_maps) == []
    assert threads
    assert threading.get_ident() not in threads


@pytest.fixture
def compressed_labels(tmp_path) -> np.ndarray:
    """The labels of a segmentation in the folder, whose pixels are compressed."""
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    voxels = np.zeros((3, 128, 128), np.uint8)
    voxels[0, 5:20, 5:20], voxels[1, 19:30, 19:30] = 1, 2
    labels = SegmentationTypeValues.LABELMAP
    document = study.segments(slices, voxels, ["Tumor", "Vessel"], kind=labels)
    document.compress(RLELossless, generate_instance_uid=False)
    document.save_as(tmp_path / "seg", enforce_file_format=True)
    return voxels


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP on Windows")
def test_a_label_map_whose_decoder_hangs_ends_with_the_source(tmp_path, compressed_labels):
    """As with SIGTERM: it is decoded by a process, as other images are, and that is ended."""
    before = {*multiprocessing.active_children()}
    source = DicomFolderSource(tmp_path, seconds_a_turn=0.01)
    tumor, _ = after_turns(source.label_maps)
    image = after_turns(lambda: source.image(tumor.id))
    np.testing.assert_array_equal(image.pixels, compressed_labels)
    (process,) = {*multiprocessing.active_children()} - before
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(NotReadyError):
        source.image(tumor.id)
    source.close()
    assert not process.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP on Windows")
def test_who_waits_for_a_decoder_of_others_does_not_keep_the_source_from_ending(
    tmp_path, compressed_labels
):
    """Those of an archive are shared by its series, and are ended after these."""
    before = {*multiprocessing.active_children()}
    decoders = Decoders(1)
    source = DicomFolderSource(tmp_path, seconds_a_turn=0.01, decoders=decoders)
    tumor, _ = after_turns(source.label_maps)
    after_turns(lambda: source.image(tumor.id))
    (process,) = {*multiprocessing.active_children()} - before
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(NotReadyError):
        source.image(tumor.id)
    source.close()
    assert process.is_alive()
    decoders.close()
    assert not process.is_alive()


def test_tilted_volumes_are_resampled_in_another_thread(tmp_path, make_slice):
    for k in range(6):
        dataset = make_slice((0, 0.4 * k, float(k)))  # a gantry's tilt shifts each slice along j
        dataset.save_as(tmp_path / f"{k}.dcm", enforce_file_format=True)
    with closing(DicomFolderSource(tmp_path, is_upright=True)) as plain:
        (item,) = plain.images()
        expected = plain.image(item.id)
    with closing(DicomFolderSource(tmp_path, is_upright=True, seconds_a_turn=60)) as source:
        image = after_turns(lambda: source.image(item.id))
    assert "resampled" in image.metadata["Notice"]
    np.testing.assert_array_equal(image.pixels, expected.pixels)


def assert_only_two_are_begun(source: DicomFolderSource, ids: list[str]) -> None:
    """Ask for all, take none; then take them."""
    may_go_on = threading.Event()
    source._background.begin("before", partial(may_go_on.wait, PATIENCE))
    for image_id in ids:
        with pytest.raises(NotReadyError):
            source.image(image_id)
    begun = {*source._background._futures} - {"before"}
    may_go_on.set()
    assert len(begun) == 2
    for image_id in ids:
        assert after_turns(partial(source.image, image_id)).pixels.size


def test_no_more_volumes_are_resampled_than_are_taken(tmp_path, make_slice):
    """Many clients that ask for other images and take none must not fill the memory."""
    for series in range(4):
        for k in range(6):
            dataset = make_slice((0, 0.4 * k, float(k)), SeriesInstanceUID=f"1.2.{series}")
            dataset.save_as(tmp_path / f"{series} {k}.dcm", enforce_file_format=True)
    with closing(DicomFolderSource(tmp_path, is_upright=True, seconds_a_turn=60)) as source:
        ids = [item.id for item in source.images()]
        assert_only_two_are_begun(source, ids)


def test_no_more_label_maps_are_read_than_are_taken(tmp_path):
    slices = [study.ct_slice(number) for number in range(1, 4)]
    for dataset in slices:
        dataset.save_as(tmp_path / dataset.SOPInstanceUID, enforce_file_format=True)
    for number in range(4):
        segmentation = study.segmentation(slices)
        segmentation.SOPInstanceUID = f"1.2.9.{number}"
        segmentation.save_as(tmp_path / str(number), enforce_file_format=True)
    with closing(DicomFolderSource(tmp_path, seconds_a_turn=60)) as source:
        ids = [*dict.fromkeys(label.id for label in after_turns(source.label_maps))]
        assert len(ids) == 4
        assert_only_two_are_begun(source, ids)


def test_a_scan_whose_result_was_forgotten_is_not_forgotten(source, tmp_path, make_slice):
    """Nobody came for the list until others had many results: the next scan finds no changes."""
    after_turns(source.images)
    make_slice((0, 0, 0), SeriesInstanceUID="1.2.3").save_as(tmp_path / "second.dcm")
    background = source._background
    with pytest.raises(NotReadyError):
        source.images()
    for key in range(9):
        background.begin(key, int)
        after_turns(partial(background.take, key) if key < 4 else lambda: None)
        while background.is_busy(key):
            time.sleep(0.001)
    assert not background.is_begun("scan")
    assert len(after_turns(source.images)) == 2


@pytest.mark.parametrize("is_scanned", [False, True], ids=["this list", "the list before"])
def test_one_thread_at_a_time_has_the_index(is_scanned, source, tmp_path, make_slice):
    """While label maps are read, or about to be: also for a list that is no more the last one."""
    may_go_on, background = threading.Event(), source._background
    after_turns(source.images)
    make_slice((0, 0, 0), SeriesInstanceUID="1.2.3").save_as(tmp_path / "second.dcm")
    if is_scanned:
        with pytest.raises(NotReadyError):
            source.images()
    background.begin("before", partial(may_go_on.wait, PATIENCE))
    with pytest.raises(NotReadyError):
        source.label_maps()
    if is_scanned:
        assert len(after_turns(source.images)) == 2
    for ask in (lambda: source.index, partial(source.metadata, next(iter(source.stacks())))):
        with pytest.raises(NotReadyError):
            ask()
    may_go_on.set()
    assert len([*after_turns(lambda: source.index).rows()]) == 1 + is_scanned


@pytest.fixture
def ten_series(tmp_path, make_slice) -> Iterator[DicomFolderSource]:
    """Ten series of three slices; of each image one slice is read in a turn."""
    for number in range(10):
        for place in range(3):
            made = make_slice((0, 0, place), SeriesInstanceUID=f"1.2.{number + 1}")
            made.save_as(tmp_path / f"{number}-{place}.dcm", enforce_file_format=True)
    with closing(DicomFolderSource(tmp_path, seconds_a_turn=0.0)) as source:
        yield source


def test_of_ten_images_that_are_read_at_a_time_each_is_read_some_time(ten_series):
    """A few are read at a time. If one more took the place of one, so would the next, for ever."""
    missing = [item.id for item in after_turns(ten_series.images)]
    assert len(missing) == 10
    end = time.monotonic() + PATIENCE
    while missing:
        assert time.monotonic() < end, f"{len(missing)} of them are never read"
        for image_id in [*missing]:
            with contextlib.suppress(NotReadyError):
                ten_series.image(image_id)
                missing.remove(image_id)


def test_however_slow_the_share_is_each_of_ten_images_is_read_once(ten_series, monkeypatch):
    """A slice takes a second: a round of all takes longer than is waited for who may have left."""
    missing, now, steps = [item.id for item in after_turns(ten_series.images)], [0.0], []

    def slow_steps(reading: VolumeReading) -> Iterator[int]:
        for step in steps_of(reading):
            now[0] += 1.0
            steps.append(step)
            yield step

    steps_of = VolumeReading.steps
    monkeypatch.setattr(VolumeReading, "steps", slow_steps)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for _ in range(50):
        for image_id in [*missing]:
            with contextlib.suppress(NotReadyError):
                ten_series.image(image_id)
                missing.remove(image_id)
        now[0] += 0.02
    assert not missing
    assert len(steps) == 10 * 3


def test_who_has_left_keeps_nobody_from_being_read(ten_series, monkeypatch):
    monkeypatch.setattr(begun_work, "_SECONDS_KEPT", 0.05)
    *left, wanted = (item.id for item in after_turns(ten_series.images))
    for image_id in left:
        with pytest.raises(NotReadyError):
            ten_series.image(image_id)
    assert after_turns(lambda: ten_series.image(wanted)).pixels.size


def test_an_image_is_read_although_other_files_come_meanwhile(
    ten_series, tmp_path, make_slice, monkeypatch
):
    """As in a folder that a scanner writes into: each list finds something new."""
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", 0.0)
    monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", PATIENCE)
    wanted = after_turns(ten_series.images)[0].id
    for number in range(20):
        other = make_slice((0, 0, 0), SeriesInstanceUID=f"1.3.{number + 1}")
        other.save_as(tmp_path / f"other-{number}.dcm", enforce_file_format=True)
        assert len(after_turns(ten_series.images)) == 11 + number
        with contextlib.suppress(NotReadyError):
            assert len(ten_series.image(wanted).pixels) == 3
            return
    pytest.fail("it is begun anew each time")
