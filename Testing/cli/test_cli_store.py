"""``igtlmeta store``: a plan goes into an archive, and comes back from it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

from cli.command import PLAN, forked_from_imported, igtlmeta
from helpers import orthanc
from helpers.functional_groups import functional_groups
from helpers.scripted_archive import Answer, archive_of, multipart, record, running
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.plans import read_plan

without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


@pytest.fixture
def archive(tmp_path: Path, phantom: Path) -> Iterator[orthanc.Orthanc]:
    with orthanc.running(tmp_path / "orthanc") as running:
        running.upload(sorted((phantom / "CT").iterdir()))
        yield running


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    return path


@without_orthanc
@pytest.mark.parametrize("way", ["--dicomweb", "--dicom"])
def test_a_stored_plan_is_offered_with_its_image(archive, phantom, plan, tmp_path, way):
    address = archive.dicomweb if way == "--dicomweb" else archive.peer
    stored = igtlmeta("store", plan, "--images", phantom / "CT", way, address)
    assert stored.returncode == 0, stored.stderr
    options = ["--port", "0", "--archive-cache", str(tmp_path / "cache")]
    with forked_from_imported("serve", "--dicomweb", archive.dicomweb, *options) as server:
        own = server.stdout.readline().split()[-1]
        (ct,) = json.loads(igtlmeta("list", own, "--json").stdout)
        # Not before an image is there that says that it is of the same patient and place.
        assert json.loads(igtlmeta("trajectories", own, "--json").stdout) == []
        igtlmeta("fetch", own, ct["id"], "-o", tmp_path)
        (line,) = json.loads(igtlmeta("trajectories", own, "--json").stdout)
    assert line["owner"] == ct["id"]
    for key in ("name", "type", "entry", "target", "diameter"):
        assert line[key] == PLAN[0][key]


@without_orthanc
def test_the_images_can_be_those_of_the_archive(archive, phantom, plan):
    uid = pydicom.dcmread(next((phantom / "CT").iterdir())).SeriesInstanceUID
    stored = igtlmeta("store", plan, "--series", uid, "--dicomweb", archive.dicomweb)
    assert stored.returncode == 0, stored.stderr
    assert archive.call("GET", "/statistics").json()["CountInstances"] == 16 + 1


@pytest.mark.parametrize("is_listed", [True, False], ids=["wrong files", "wrong list"])
def test_nothing_is_stored_for_another_series_than_was_named(plan, phantom, is_listed):
    """Of an archive that passes over what it is asked for, or sends something else."""
    named = pydicom.dcmread(next((phantom / "CT").iterdir()), stop_before_pixels=True)
    other = pydicom.dcmread(next((phantom / "MR").iterdir()))
    script = archive_of(multipart([other]), record([named if is_listed else other], 1))
    with running(script) as port:
        url = f"http://127.0.0.1:{port}/dicom-web"
        stored = igtlmeta("store", plan, "--series", named.SeriesInstanceUID, "--dicomweb", url)
    words = "has sent images of another SeriesInstanceUID" if is_listed else "has no series"
    assert stored.returncode == 1
    assert words in stored.stderr


def test_the_images_of_an_archive_are_not_written_to_the_disk(plan, phantom, tmp_path):
    """Killed, the command would leave them there. Seen while it asks for what it replaces."""
    slices = [pydicom.dcmread(path) for path in sorted((phantom / "CT").iterdir())[:3]]
    script = archive_of(multipart(slices), record(slices))
    seen = []

    def look(path: str) -> Answer:
        seen.append([*tmp_path.glob("tmp*/*")])
        return script(path)

    with running(look) as port:
        options = ["--series", slices[0].SeriesInstanceUID, "--replaces", "1.2.3"]
        address = ["--dicomweb", f"http://127.0.0.1:{port}/dicom-web"]
        result = igtlmeta("store", plan, *options, *address, TMPDIR=str(tmp_path))
    assert "does not have the document 1.2.3" in result.stderr
    assert len(seen) > 2
    assert not any(seen)


def test_a_plan_that_replaces_another(phantom, plan, tmp_path):
    folder = tmp_path / "is made"
    first = igtlmeta("store", plan, "--images", phantom / "CT", "-o", folder)
    path = Path(first.stdout.strip())
    assert path.parent == folder
    second = igtlmeta("store", plan, "--images", phantom / "CT", "-o", tmp_path, "--replaces", path)
    document = pydicom.dcmread(second.stdout.strip())
    assert document.PredecessorDocumentsSequence[0].StudyInstanceUID == document.StudyInstanceUID
    # That nothing of it is planned any more, has to be said.
    plan.write_text("[]")
    options = ["--images", phantom / "CT", "-o", tmp_path, "--replaces", path]
    refused = igtlmeta("store", plan, *options)
    assert (refused.returncode, "say so: --empty" in refused.stderr) == (1, True)
    emptied = igtlmeta("store", plan, *options, "--empty")
    assert read_plan(pydicom.dcmread(emptied.stdout.strip())).version.replaced == [path.stem]


def test_a_plan_is_not_empty_if_it_has_trajectories(phantom, plan, tmp_path):
    options = ["--images", phantom / "CT", "-o", tmp_path, "--replaces", plan, "--empty"]
    result = igtlmeta("store", plan, *options)
    assert result.returncode == 1
    assert "has trajectories, and --empty says it has none" in result.stderr


@pytest.mark.parametrize("ending", [".JSON", ".Json"])
def test_a_plan_whose_ending_is_written_otherwise(phantom, plan, tmp_path, ending):
    path = plan.rename(tmp_path / f"plan{ending}")
    result = igtlmeta("store", path, "--images", phantom / "CT", "-o", tmp_path)
    assert result.returncode == 0, result.stderr


def test_copies_of_images_count_once_and_others_of_the_same_name_are_refused(
    phantom, plan, tmp_path
):
    images = tmp_path / "images"
    for copy in ("first", "second"):
        shutil.copytree(phantom / "CT", images / copy)
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    document = pydicom.dcmread(result.stdout.strip())
    (series,) = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert len(series.ReferencedSOPSequence) == len([*(images / "first").iterdir()])
    path = next((images / "second").iterdir())
    moved = pydicom.dcmread(path)
    moved.ImagePositionPatient = [1, 2, 3]
    moved.save_as(path)
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert result.returncode == 1
    assert f"two images that differ are both {moved.SOPInstanceUID}" in result.stderr


def test_images_that_are_older_than_preambles(phantom, plan, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(phantom / "CT", images)
    for path in images.iterdir():
        path.write_bytes(path.read_bytes()[132:])
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_plan_of_images_with_two_numbers_of_frames(phantom, plan, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(phantom / "CT", images)
    for path in images.iterdir():
        image = pydicom.dcmread(path)
        image.NumberOfFrames = ["1", "1"]
        image.save_as(path)
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


@without_orthanc
def test_what_cannot_be_said_of_the_patient_is_said_to_the_user(archive, phantom, plan, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(phantom / "CT", images)
    for path in images.iterdir():
        image = pydicom.dcmread(path)
        image.PatientSex = "QQ"
        image.save_as(path)
    words = "the document has no PatientSex: what the images say there is no valid value\n"
    in_folder = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert (in_folder.returncode, in_folder.stderr) == (0, f"igtlmeta: {words}")
    in_archive = igtlmeta("store", plan, "--images", images, "--dicomweb", archive.dicomweb)
    assert in_archive.stderr == f"igtlmeta: stored in {archive.dicomweb}; {words}"


def test_a_plan_of_another_image(phantom, plan, tmp_path):
    plan.write_text(json.dumps([{**PLAN[0], "owner": "ANOTHER"}]))
    result = igtlmeta("store", plan, "--images", phantom / "CT", "-o", tmp_path)
    assert result.returncode == 1
    assert "was planned in the image ANOTHER, not in " in result.stderr


def test_a_plan_of_a_series_that_is_several_volumes(phantom, plan, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(phantom / "CT", images)
    for path in [*images.iterdir()]:
        later = pydicom.dcmread(path)
        later.SOPInstanceUID = later.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        later.TemporalPositionIdentifier, later.AcquisitionNumber = 2, 2
        later.save_as(path.with_suffix(".later"))
    volumes = DicomFolderSource(images).images()
    assert len(volumes) == 2
    plan.write_text(json.dumps([{**PLAN[0], "owner": volume.id} for volume in volumes]))
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    (tmp_path / result.stdout.strip()).unlink()
    for volume in volumes:  # it comes back as planned in that volume, which is listed
        plan.write_text(json.dumps([{**PLAN[0], "owner": volume.id}]))
        result = igtlmeta("store", plan, "--images", images, "-o", images)
        assert (result.returncode, result.stderr) == (0, "")
        (found,) = DicomFolderSource(images).trajectories()
        assert (found.name, found.owner) == (PLAN[0]["name"], volume.id)
        (images / result.stdout.strip()).unlink()


@pytest.fixture
def two_volumes(tmp_path: Path) -> Path:
    """A folder with one multi-frame file (enhanced) of three slices at two times."""
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm", download=False))
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.FrameOfReferenceUID = generate_uid()
    dataset.NumberOfFrames, dataset.PixelData = 6, 6 * dataset.PixelData
    dataset.PerFrameFunctionalGroupsSequence = [
        functional_groups(
            PlanePositionSequence={"ImagePositionPatient": [0, 0, 5 * place]},
            FrameContentSequence={"TemporalPositionIndex": time, "StackID": str(time)},
        )
        for time in (1, 2)
        for place in (0, 1, 2)
    ]
    del dataset.ImagePositionPatient
    folder = tmp_path / "enhanced"
    folder.mkdir()
    dataset.save_as(folder / "1.dcm", enforce_file_format=True)
    return folder


@without_orthanc
@pytest.mark.parametrize("number", [0, 1])
def test_a_plan_of_one_of_several_volumes_of_a_file(plan, two_volumes, tmp_path, number):
    """It comes back as planned in that volume: the document names its first frame."""
    volume = DicomFolderSource(two_volumes).images()[number]
    plan.write_text(json.dumps([{**PLAN[0], "owner": volume.id}]))
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload([two_volumes / "1.dcm"])
        for target in (["-o", two_volumes], ["--dicomweb", archive.dicomweb]):
            stored = igtlmeta("store", plan, "--images", two_volumes, *target)
            assert stored.returncode == 0, stored.stderr
        options = ["--port", "0", "--archive-cache", str(tmp_path / "cache")]
        with forked_from_imported("serve", "--dicomweb", archive.dicomweb, *options) as server:
            own = server.stdout.readline().split()[-1]
            (series,) = json.loads(igtlmeta("list", own, "--json").stdout)
            igtlmeta("fetch", own, series["id"], "-o", tmp_path)
            (of_archive,) = json.loads(igtlmeta("trajectories", own, "--json").stdout)
    (of_folder,) = DicomFolderSource(two_volumes).trajectories()
    assert of_folder.owner == of_archive["owner"] == volume.id


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--images", "d"], "say where to store it"),
        (["-o", "d"], "name the images"),
        (["-o", "d", "--series", "1.2"], "name the images"),
        (["-o", "d", "--images", "d", "--segment", "1_0"], "'1_0' is no number of a segment"),
        (["-o", "d", "--images", "d", "--segment", "1,"], "'1,' is no number of a segment"),
        (["-o", "d", "--images", "d", "--empty"], "--empty is of a plan that takes the place"),
    ],
)
def test_wrong_usage(plan, arguments, words):
    result = igtlmeta("store", plan, *arguments)
    assert result.returncode == 2
    assert words in result.stderr


def test_a_broken_file_among_the_images_is_left_out_in_words(phantom, plan, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(phantom / "CT", images)
    broken = pydicom.dcmread(next(images.iterdir()))
    broken.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    broken.save_as(images / "broken.dcm")
    os.truncate(images / "broken.dcm", 2000)  # in the middle of what is deflated
    broken.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name in ("cut_header.dcm", "cut_pixels.dcm"):
        broken.save_as(images / name)
    # In the middle of its position, of which pydicom would return the first digits.
    position = (images / "cut_header.dcm").read_bytes().index(b"\x20\x00\x32\x00DS")
    os.truncate(images / "cut_header.dcm", position + 12)
    os.truncate(images / "cut_pixels.dcm", (images / "cut_pixels.dcm").stat().st_size - 10)
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (0, 3)
    for name, reason in (
        ("broken", ""),
        ("cut_header", "is cut off within (0020,0032)"),
        ("cut_pixels", "it is cut off: 10 bytes of its pixels are missing; get it again"),
    ):
        assert f"{name}.dcm is left out, it cannot be read: {reason}" in result.stderr


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "StudyInstanceUID", "SOPClassUID"])
def test_images_that_do_not_say_what_they_are(phantom, plan, tmp_path, keyword):
    images = tmp_path / "images"
    shutil.copytree(phantom / "CT", images)
    path = next(images.iterdir())
    image = pydicom.dcmread(path)
    delattr(image, keyword)
    image.save_as(path)
    result = igtlmeta("store", plan, "--images", images, "-o", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    words = rf"1 of \d+ images cannot be referred to: they have no {keyword}; leave them out"
    assert re.search(words, result.stderr)


def test_a_missing_plan_is_named_before_images_are_read(tmp_path):
    missing = tmp_path / "plan.json"
    result = igtlmeta("store", missing, "--images", tmp_path / "none", "-o", tmp_path)
    assert result.stderr == f"igtlmeta: there is no file {missing}; check the path\n"


def test_a_broken_predecessor_is_named(phantom, plan, tmp_path):
    replaced = tmp_path / "replaced.dcm"
    replaced.write_bytes(b"nothing of DICOM")
    options = ["--images", phantom / "CT", "--replaces", replaced, "-o", tmp_path]
    result = igtlmeta("store", plan, *options)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert f"{replaced} cannot be read as a DICOM document: " in result.stderr
    assert "check --replaces" in result.stderr


def test_a_predecessor_that_is_not_there_is_named_once(phantom, plan, tmp_path):
    missing = tmp_path / "missing.dcm"
    options = ["--images", phantom / "CT", "--replaces", missing, "-o", tmp_path]
    result = igtlmeta("store", plan, *options)
    reason = "No such file or directory; check --replaces"
    assert result.stderr == (f"igtlmeta: {missing} cannot be read as a DICOM document: {reason}\n")


def test_without_a_package_for_documents_nothing_is_stored(phantom, plan, tmp_path):
    (tmp_path / "highdicom.py").write_text("raise ImportError('highdicom is not installed')")
    output = tmp_path / "documents"
    arguments = ["--images", phantom / "CT", "-o", output]
    result = igtlmeta("store", plan, *arguments, PYTHONPATH=str(tmp_path))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert 'pip install "highdicom>=0.27"' in result.stderr
    assert not output.exists()


def test_folders_that_are_not_there_or_not_writable_are_named(phantom, plan, tmp_path):
    missing = tmp_path / "missing"
    result = igtlmeta("store", plan, "--images", missing, "-o", tmp_path)
    assert result.stderr == f"igtlmeta: there is no folder {missing}; check --images\n"
    result = igtlmeta("store", plan, "--images", phantom / "CT", "-o", plan)
    assert result.returncode == 1
    assert result.stderr.startswith(f"igtlmeta: '{plan}/")
    assert "cannot be written: " in result.stderr
    assert result.stderr.endswith("; check the folder, or choose another\n")
