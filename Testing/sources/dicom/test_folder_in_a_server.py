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
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.dicom_index.database import DicomIndexError
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources import begun_work, folder_scans
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.folder_label_maps import LabelMapReader
from IGTLMetaBrowserLib.sources.dicom.pixels.decoding import Decoders
from IGTLMetaBrowserLib.sources.dicom.pixels.pixels import VolumeReading

PATIENCE = 30.0


class SlowIndex(DicomIndex):
    """An index of a share that is slow: ``update`` waits for ``may_go_on``.

    ``threads`` are those that update it, and ``intruders`` those that use it meanwhile.
    """

    def __init__(self, folder, database=None) -> None:
        self.updating = self.updated = 0
        self.intruders: list[int] = []
        super().__init__(folder, database)
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.threads: set[int] = set()

    def update(self, *args, **options) -> int:
        self.updating = threading.get_ident()
        try:
            assert self.may_go_on.wait(PATIENCE)
            self.threads.add(self.updating)
            return super().update(*args, **options)
        finally:
            self.updating, self.updated = 0, self.updated + 1

    def _errors_described(self):  # in which each question is asked
        if self.updating not in (0, threading.get_ident()):
            self.intruders.append(threading.get_ident())
        return super()._errors_described()


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


@contextlib.contextmanager
def a_scan(source: DicomFolderSource, index: SlowIndex) -> Iterator[None]:
    """A scan of the folder that does not end before the block does."""
    index.may_go_on.clear()
    with pytest.raises(NotReadyError):
        source.images()
    before = index.updated
    yield
    assert index.updated == before
    assert index.intruders == [], "SQLite would let who asks wait, and with him all clients"
    index.may_go_on.set()


def test_a_known_image_does_not_wait_for_the_end_of_a_scan(source, index, tmp_path, make_slice):
    """Of 20,000 files that were brought, it takes longer than clients wait for an answer."""
    (known,) = after_turns(source.images)
    make_slice((0, 0, 0), SeriesInstanceUID="1.2.3").save_as(tmp_path / "second.dcm")
    with a_scan(source, index):
        image = after_turns(lambda: source.image(known.id))
        assert image.pixels.size
        assert image.metadata["Modality"] == source.metadata(known.id)["Modality"] == "CT"
    (_, new) = after_turns(source.images)
    image = after_turns(lambda: source.image(new.id))
    assert image.metadata["SeriesInstanceUID"] == "1.2.3"


def test_of_a_file_that_was_replaced_no_image_is_made_while_a_scan_has_not_found_it_yet(
    source, index, tmp_path, make_slice
):
    """The list still says that it is the one patient's."""
    (known,) = after_turns(source.images)
    other = make_slice((0, 0, 0), PatientID="other", SOPInstanceUID="1.2.9")
    other.save_as(tmp_path / "other.dcm")
    (tmp_path / "other.dcm").replace(tmp_path / "first.dcm")
    with a_scan(source, index), pytest.raises(SourceError, match="changed"):
        after_turns(lambda: source.image(known.id))
    (item,) = after_turns(source.images)
    assert item.patient_id == "other"
    assert after_turns(lambda: source.image(item.id)).metadata["PatientID"] == "other"


def test_a_series_that_grows_is_as_it_was_listed_until_the_scan_has_ended(
    source, index, tmp_path, make_slice
):
    (known,) = after_turns(source.images)
    for place in (1, 2):
        made = make_slice((0, 0, place), SOPInstanceUID=f"1.2.9.{place}")
        made.save_as(tmp_path / f"{place}.dcm")
    with a_scan(source, index):
        image = after_turns(lambda: source.image(known.id))
        assert len(image.pixels) == known.size[2] == 1
    (item,) = after_turns(source.images)
    assert item.id == known.id
    assert len(after_turns(lambda: source.image(item.id)).pixels) == item.size[2] == 3


def test_nobody_is_given_the_index_that_a_scan_has(source, index, monkeypatch):
    """However long: two threads that ask SQLite at once can wait for each other for ever."""
    after_turns(source.images)
    with a_scan(source, index):
        for seconds in (PATIENCE, 0.0):
            monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", seconds)
            with pytest.raises(NotReadyError):
                _ = source.index
    monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", PATIENCE)
    assert len([*after_turns(lambda: source.index).rows()]) == 1


def test_label_maps_do_not_wait_for_the_end_of_a_scan(tmp_path, monkeypatch):
    """They are read when they are first asked for."""
    study.write_study(tmp_path)
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", 0.0)
    index = SlowIndex(tmp_path)
    index.update()
    opened = closing(DicomFolderSource(tmp_path, index=index, seconds_a_turn=60))
    with opened as source, a_scan(source, index):
        (liver,) = after_turns(source.label_maps)
        image = after_turns(lambda: source.image(liver.id))
        assert image.pixels.any()
        assert image.metadata["Modality"] == "SEG"


def test_a_kept_thumbnail_is_waited_for_no_longer_than_a_list(tmp_path, make_slice, monkeypatch):
    """It is made anew then, from voxels: that takes less than a scan of minutes."""
    thumbnail = codec.ThumbnailMessage([])
    (folder := tmp_path / "images").mkdir()
    make_slice((0, 0, 0)).save_as(folder / "first.dcm", enforce_file_format=True)
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", 0.0)
    monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", PATIENCE)
    index = SlowIndex(folder, tmp_path / "index.sqlite")
    index.update()
    with closing(DicomFolderSource(folder, index=index, seconds_a_turn=60)) as source:
        (item,) = after_turns(source.images)
        source.keep_thumbnail(item.id, thumbnail)
        with a_scan(source, index):
            with pytest.raises(NotReadyError):
                source.kept_thumbnail(item.id)
            monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", 0.0)
            assert source.kept_thumbnail(item.id) is None
            source.keep_thumbnail(item.id, thumbnail)
        monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", PATIENCE)
        assert after_turns(lambda: source.kept_thumbnail(item.id)) == thumbnail


def test_label_maps_are_read_in_another_thread(source, index, monkeypatch):
    after_turns(source.images)
    threads, read = [], LabelMapReader.read
    monkeypatch.setattr(
        LabelMapReader, "read", lambda self: threads.append(threading.get_ident()) or read(self)
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


def test_what_a_scan_found_that_failed_behind_the_index_is_not_forgotten(
    source, tmp_path, make_slice, monkeypatch
):
    """The next scan finds no changes of the index."""
    after_turns(source.images)
    make_slice((0, 0, 0), SeriesInstanceUID="1.2.3").save_as(tmp_path / "second.dcm")
    with monkeypatch.context() as changed:
        changed.setattr(DicomIndex, "images", _raise_disk_error)
        assert len(after_turns(source.images)) == 1
    assert len(after_turns(source.images)) == 2


def _raise_disk_error(*_arguments: object) -> None:
    raise DicomIndexError("disk I/O error")


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
