"""DICOM frames that show one place several times, in whatever order they lie, or are numbered."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.folder_source import fetch_all
from helpers.functional_groups import functional_groups
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

NO_ORDER = [(0, 2), (0, 1), (1, 1), (1, 2)]
"""Place and time of each frame, as they lie in the file."""


@pytest.fixture
def voxels_of(tmp_path, make_slice):
    """Return a function that writes a file, and returns the first voxels of each image's slices.

    A voxel has its time as its value. ``said`` gives what the file says of a place and a time: the
    attributes of the functional groups, by the keyword of their sequence.
    """

    def write_and_read(frames, said):
        dataset = make_slice((0, 0, 0), AcquisitionDateTime="20240514120000")
        dataset.NumberOfFrames = len(frames)
        dataset.PixelData = np.repeat([time for _, time in frames], 5 * 7).astype("<u2").tobytes()
        dataset.PerFrameFunctionalGroupsSequence = [
            functional_groups(PlanePositionSequence={"ImagePositionPatient": [0, 0, 2 * place]})
            for place, _ in frames
        ]
        for groups, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):
            groups.update(functional_groups(**said(*frame)))
        dataset.save_as(tmp_path / "1.dcm", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        return [image.pixels[:, 1, 1].tolist() for image in fetch_all(source)], source.refused

    return write_and_read


def _content(**values):
    return {"FrameContentSequence": values}


@pytest.mark.parametrize(
    "said",
    [
        lambda place, time: _content(DimensionIndexValues=[1, place + 1, time]),
        lambda place, time: _content(TemporalPositionIndex=time),
        lambda place, time: _content(
            DimensionIndexValues=[1, place + 1],
            FrameAcquisitionDateTime=f"202405141200{10 * time + place}",
        ),
        lambda _, time: {"TemporalPositionSequence": {"TemporalPositionTimeOffset": 2.5 * time}},
        lambda _, time: {
            "CardiacSynchronizationSequence": {"NominalCardiacTriggerDelayTime": 100.0 * time}
        },
    ],
    ids=["dimensions", "position in time", "each frame's time", "offset in time", "heart"],
)
def test_any_attribute_tells_their_order(voxels_of, said):
    """Though the file has a time of its own, which is that of all its frames."""
    assert voxels_of(NO_ORDER, said)[0] == [[1, 1], [2, 2]]


@pytest.mark.parametrize(
    "frames",
    [[(0, 1), (1, 1), (0, 2), (1, 2)], [(1, 1), (1, 2), (0, 1), (0, 2)]],
    ids=["volume by volume", "place by place"],
)
def test_their_order_in_the_file_counts_if_nothing_else_tells(voxels_of, frames):
    assert voxels_of(frames, lambda *_: {})[0] == [[1, 1], [2, 2]]


@pytest.mark.parametrize("said", [{}, _content(DimensionIndexValues=[1, 1])])
def test_frames_in_no_order_are_offered_one_by_one(voxels_of, said):
    """The first frame of each place would make a volume of two times."""
    frames = [(0, 2), (0, 1), (1, 1), (2, 1), (2, 2), (1, 2)]
    voxels, refused = voxels_of(frames, lambda *_: said)
    assert sorted(voxels) == [[1], [1], [1], [2], [2], [2]]
    assert "several lie in the same place, and nothing tells" in refused[0][1]


def write_files(folder, make_slice, said):
    """Write a file for each of three times and places; the names of later times come first."""
    for time, place in itertools.product((1, 2, 3), (0, 1, 2)):
        dataset = make_slice((0, 0, 2 * place), time, **said(place, time))
        dataset.save_as(folder / f"{3 - time}{place}.dcm", enforce_file_format=True)


@pytest.mark.parametrize("keyword", ["TemporalPositionIdentifier", "AcquisitionNumber"])
def test_instance_numbers_that_begin_anew_in_each_volume(tmp_path, make_slice, keyword):
    def said(place, time):
        return {"InstanceNumber": place + 1, keyword: time}

    write_files(tmp_path, make_slice, said)
    images = fetch_all(DicomFolderSource(tmp_path))
    assert [image.pixels[:, 1, 1].tolist() for image in images] == [[1] * 3, [2] * 3, [3] * 3]


def test_the_time_of_a_volume_counts_more_than_the_order_of_its_slices(tmp_path, make_slice):
    """By their InstanceNumbers, which go back and forth, each volume would have slices of two."""

    def said(place, time):
        turn = 4 - time if place % 2 else time
        return {"InstanceNumber": 3 * place + turn, "AcquisitionTime": f"1200{10 * time}"}

    write_files(tmp_path, make_slice, said)
    images = fetch_all(DicomFolderSource(tmp_path))
    assert [image.pixels[:, 1, 1].tolist() for image in images] == [[1] * 3, [2] * 3, [3] * 3]
