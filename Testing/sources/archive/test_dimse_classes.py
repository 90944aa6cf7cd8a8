"""Of which classes files may come by DIMSE: images, and what is planned and drawn in them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import SegmentationTypeValues
from pynetdicom.sop_class import (
    Comprehensive3DSRStorage,
    CTImageStorage,
    EnhancedUSVolumeStorage,
    LabelMapSegmentationStorage,
    ParametricMapStorage,
    RTDoseStorage,
    RTStructureSetStorage,
    SegmentationStorage,
)

from helpers import orthanc
from helpers import radiotherapy as study
from helpers.ready_sources import fetch_only, ready
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dimse.association import requested_classes
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

MOVE_PORT = free_port()


def test_what_is_of_use_is_among_as_many_as_can_be_asked_for():
    """An association can have 128 presentation contexts (PS3.8 9.3.2.2), and there are more."""
    of_use = {
        CTImageStorage,
        EnhancedUSVolumeStorage,
        ParametricMapStorage,
        SegmentationStorage,
        LabelMapSegmentationStorage,  # of which pydicom 3.0 has no name
        RTStructureSetStorage,
        RTDoseStorage,
        Comprehensive3DSRStorage,
    }
    assert of_use <= {*requested_classes()}
    assert len(requested_classes()) < 128


@pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")
@pytest.mark.parametrize("port", [None, MOVE_PORT], ids=["C-GET", "C-MOVE"])
def test_a_plan_comes_from_an_archive_that_does_not_say_what_it_is(
    tmp_path: Path, port, monkeypatch
):
    """SOPClassUID is an optional key (PS3.4 C.6.2.1)."""
    monkeypatch.setattr(DimseArchive, "_classes_of_instances", lambda *_: {})
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    line = codec.TrajectoryItem(name="Left", entry=(1, 2, 3), target=(4, 5, 6))
    for number, dataset in enumerate([*slices, write_plan([line], slices)]):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    modalities = {"IGTLMETA": ("localhost", MOVE_PORT)}
    with orthanc.running(tmp_path / "orthanc", modalities=modalities) as running:
        assert running.upload(tmp_path.glob("*.dcm")) == 4
        by_dimse = DimseArchive(running.peer, DimseSettings(move_port=port))
        with closing(ArchiveSource(by_dimse, SeriesCache(tmp_path / "cache", 1 << 30))) as source:
            fetch_only(source)
            assert [item.name for item in ready(source.trajectories)] == ["Left"]


@pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")
@pytest.mark.parametrize("accepts_unknown", [False, True])
def test_an_archive_that_does_not_send_a_class_by_c_get_is_named_with_the_way_to_have_it(
    tmp_path: Path, accepts_unknown
):
    """Orthanc (1.10) does not know label map segmentations, which came later.

    If it accepts what it does not know, it still does not take that we would have them.
    """
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    voxels = np.zeros((3, slices[0].Rows, slices[0].Columns), np.uint8)
    voxels[1, 3:9, 4:8] = 1
    label_map = study.segments(slices, voxels, ["Tumor"], kind=SegmentationTypeValues.LABELMAP)
    for number, dataset in enumerate([*slices, label_map]):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    settings = {"UnknownSopClassAccepted": accepts_unknown}
    modalities = {"IGTLMETA": ("localhost", MOVE_PORT)}
    with orthanc.running(tmp_path / "archive", modalities=modalities, settings=settings) as running:
        assert running.upload(tmp_path.glob("*.dcm")) == 4
        for port, is_sent in ((None, False), (MOVE_PORT, True)):
            by_dimse = DimseArchive(running.peer, DimseSettings(move_port=port))
            cache = SeriesCache(tmp_path / f"cache {port}", 1 << 30)
            with closing(ArchiveSource(by_dimse, cache)) as source:
                fetch_only(source)
                if is_sent:
                    (item,) = ready(source.label_maps)
                    np.testing.assert_array_equal(ready(source.image, item.id).pixels > 0, voxels)
                    continue
                words = r"does not send 1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.7 by C-GET.*dicom-move"
                with pytest.raises(SourceError, match=words):
                    ready(source.label_maps)
