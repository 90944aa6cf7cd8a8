"""Trajectories as a Comprehensive 3D SR, and back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import UID

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.fields import image_id
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.plans import measurement_groups, read_plan, stored_name
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

TRAJECTORIES = [
    codec.TrajectoryItem(name="Left STN", entry=(10, 20, 30.5), target=(-1, 2, 3), diameter=1.5),
    codec.TrajectoryItem(name="Entry", type=codec.TrajectoryType.ENTRY, entry=(1, 2, 3)),
    codec.TrajectoryItem(name="Ziel ü", type=codec.TrajectoryType.TARGET, target=(4, 5, 6)),
]


@pytest.fixture
def images(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0, 0, z)) for z in (0, 2, 4)]


@pytest.fixture
def file(images: list[Dataset], tmp_path: Path) -> Path:
    """The document of these trajectories."""
    path = tmp_path / "plan.dcm"
    write_plan(TRAJECTORIES, images).save_as(path, enforce_file_format=True)
    return path


def test_what_is_written_is_read(file):
    plan = read_plan(pydicom.dcmread(file))
    for item, expected in zip(plan.trajectories, TRAJECTORIES, strict=True):
        assert (item.name, item.type, item.diameter) == (
            expected.name,
            expected.type,
            expected.diameter,
        )
        assert (item.entry, item.target) == (expected.entry, expected.target)
        assert item.owner == image_id("1.2.3.4")
    assert (plan.frame_of_reference, plan.patient_id) == ("1.2.3.5", "42")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 70, "x" * 63),
        ("計画" * 20, "計画" * 10 + "計"),
        ("a\\b", "a\\b"),
        ("a\x00b\x1b[1m\nc", "a b [1m c"),
        (" left ", "left"),
        ("  ", "Trajectory"),
        ("", "Trajectory"),
    ],
)
def test_a_name_comes_back_as_it_was_stored_and_is_known_by_it_when_it_is_replaced(
    images, name, expected
):
    """Else it would be another trajectory each time: also in the scene, beside the user's line."""
    first = written_and_read(write_plan([replace(TRAJECTORIES[0], name=name)], images))
    (item,) = read_plan(first).trajectories
    assert item.name == expected == stored_name(item.name, "")
    second = written_and_read(write_plan([item], images, first))
    assert read_plan(second).trajectories == [item]
    uids = [measurement_groups(one)[0].tracking_uid for one in (first, second)]
    assert uids[0] == uids[1]


def written_and_read(document: Dataset) -> Dataset:
    content = BytesIO()
    document.save_as(content, enforce_file_format=True)
    return pydicom.dcmread(BytesIO(content.getvalue()))


@pytest.mark.parametrize(
    ("name", "character_sets"),
    [
        ("Müller^Jörg", "ISO_IR 100"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"]),
        ("Hong^Gildong=洪^吉洞=홍^길동", ["", "ISO 2022 IR 149"]),
        ("Wang^XiaoDong=王^小东", "GB18030"),
    ],
)
def test_patients_names_in_their_alphabets(make_slice, tmp_path, name, character_sets):
    image = make_slice((0, 0, 0), PatientName=name, SpecificCharacterSet=character_sets)
    image.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    path = tmp_path / "plan.dcm"
    read = pydicom.dcmread(tmp_path / "image.dcm")
    write_plan(TRAJECTORIES, [read]).save_as(path, enforce_file_format=True)
    assert pydicom.dcmread(path).PatientName == name


def test_points_are_in_the_patients_coordinates_of_dicom(file):
    """LPS, so that the first two are of the other sign than in RAS."""
    text = str(pydicom.dcmread(file))
    assert "[-10.0, -20.0, 30.5, 1.0, -2.0, 3.0]" in text


def test_it_names_the_images_and_what_it_replaces(file, images):
    first = pydicom.dcmread(file)
    second = write_plan(TRAJECTORIES[:1], images, predecessor=first)
    evidence = second.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    named = {item.ReferencedSOPInstanceUID for item in evidence.ReferencedSOPSequence}
    assert named == {image.SOPInstanceUID for image in images}
    (replaced,) = second.PredecessorDocumentsSequence
    (series,) = replaced.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert (second.PatientID, second.StudyInstanceUID) == ("42", "1.2.3")


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="no dcmtk: apt-get install dcmtk")
@pytest.mark.parametrize("replacing", [None, TRAJECTORIES, []])
def test_dcmtk_reads_it(file, images, replacing):
    if replacing is not None:
        second = write_plan(replacing, images, predecessor=pydicom.dcmread(file))
        second.save_as(file, enforce_file_format=True)
    # Its check of values knows no UTF-8.
    command = ["dsrdump", "--disable-vr-checker", str(file)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stderr
    assert "Comprehensive 3D SR Document" in result.stdout
    assert ('SCOORD3D:(,,"Image Region")=(POLYLINE' in result.stdout) == (replacing != [])
    assert "E:" not in result.stderr


def test_a_plan_without_a_place_is_not_written(make_slice):
    with pytest.raises(SourceError, match="no frame of reference"):
        write_plan(TRAJECTORIES, [make_slice((0, 0, 0), FrameOfReferenceUID=None)])


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_images_of_which_no_document_can_be_made_are_refused_in_words(images):
    for image in images:
        image.StudyInstanceUID = ["1.2", "1.3"]
    with pytest.raises(SourceError, match="no document can be made: "):
        write_plan(TRAJECTORIES, images)


def test_an_empty_character_set_is_none(images):
    for image in images:
        image.SpecificCharacterSet = ""
    assert write_plan(TRAJECTORIES, images).PatientName == images[0].PatientName


def test_a_plan_of_two_series_is_not_written(make_slice):
    images = [make_slice((0, 0, 0)), make_slice((0, 0, 2), SeriesInstanceUID="1.2.3.9")]
    with pytest.raises(SourceError, match="of one series, not of 2"):
        write_plan(TRAJECTORIES, images)


def test_a_folder_offers_the_plans_for_its_images(images, tmp_path, make_slice):
    """Those that are valid; of another patient, or in another frame of reference, none."""
    elsewhere = [make_slice((0, 0, 0), FrameOfReferenceUID="1.2.3.6", SeriesInstanceUID="1.2.3.7")]
    others = [make_slice((0, 0, 0), PatientID="43", SeriesInstanceUID="1.2.3.8")]
    first = write_plan(TRAJECTORIES[:1], images)
    plans = [first, write_plan(TRAJECTORIES[1:], images, predecessor=first)]
    plans += [write_plan(TRAJECTORIES, elsewhere), write_plan(TRAJECTORIES, others)]
    for number, dataset in enumerate([*images, *plans]):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert [item.name for item in source.trajectories()] == ["Entry", "Ziel ü"]
    assert {item.owner for item in source.trajectories()} == {source.images()[0].id}


def test_plans_in_folders_of_the_folder_count_as_well(images, tmp_path):
    """Exports have a folder for each series: the plan before would still be offered as valid."""
    first = write_plan(TRAJECTORIES[:1], images)
    second = write_plan(TRAJECTORIES[1:], images, predecessor=first)
    names = ["first", "CT/1", "CT/2", "CT/3", "SR/second"]
    for name, dataset in zip(names, [first, *images, second], strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        dataset.save_as(tmp_path / name, enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert [item.name for item in source.trajectories()] == ["Entry", "Ziel ü"]


def test_a_plan_is_emptied_and_filled_again(images, tmp_path):
    """By documents that say so: nothing is deleted."""
    for number, image in enumerate(images):
        image.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    shown, predecessor = [], None
    for trajectories in (TRAJECTORIES[:1], [], TRAJECTORIES[1:]):
        write_plan(trajectories, images, predecessor).save_as(
            tmp_path / f"plan{len(shown)}.dcm", enforce_file_format=True
        )
        predecessor = pydicom.dcmread(tmp_path / f"plan{len(shown)}.dcm")
        source = DicomFolderSource(tmp_path)
        shown.append([item.name for item in source.trajectories()])
        assert len(source.images()) == 1
    assert shown == [["Left STN"], [], ["Entry", "Ziel ü"]]
    with pytest.raises(SourceError, match="no trajectories to store"):
        write_plan([], images)


def test_another_patients_plan_is_not_replaced(file, make_slice):
    other = [make_slice((0, 0, 0), PatientID="43")]
    with pytest.raises(SourceError, match="of another patient"):
        write_plan(TRAJECTORIES, other, predecessor=pydicom.dcmread(file))


def test_a_plan_of_another_name_is_not_replaced_though_the_id_is_the_same(file, images):
    """Lists show two patients then. Of one name, there are several spellings, or none."""
    for name in ("DOE^JANE^^^", "", "Doe^Jane"):
        images[0].PatientName = name
        assert write_plan(TRAJECTORIES, images[:1], predecessor=pydicom.dcmread(file))
    images[0].PatientName = "Roe^Richard"
    with pytest.raises(SourceError, match="of another patient than the images, by the name"):
        write_plan(TRAJECTORIES, images[:1], predecessor=pydicom.dcmread(file))


def without(document: Dataset, *codes: str) -> Dataset:
    """A document whose groups do not have the items with these names."""
    content = BytesIO()
    document.save_as(content, enforce_file_format=True)
    changed = pydicom.dcmread(BytesIO(content.getvalue()))
    for group in changed.ContentSequence[-1].ContentSequence:
        kept = [one for one in group.ContentSequence if code_of(one) not in codes]
        group.ContentSequence = kept
    return changed


def code_of(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def tracked(document: Dataset) -> list[str]:
    """The tracking UIDs of its groups."""
    groups = document.ContentSequence[-1].ContentSequence
    return [
        one.UID for group in groups for one in group.ContentSequence if code_of(one) == "112040"
    ]


def test_groups_without_what_they_are_tracked_by_are_named_by_their_finding(images):
    """They are optional; a plan that replaces such a one has UIDs of its own."""
    others = without(write_plan(TRAJECTORIES, images), "112039", "112040")
    plan = read_plan(others)
    names = [item.name for item in plan.trajectories]
    assert names == ["Trajectory", "Entry point of a trajectory", "Target point of a trajectory"]
    nameless = without(write_plan(TRAJECTORIES, images), "112039", "121071")
    default = ["Trajectory", "Target point of a trajectory", "Target point of a trajectory"]
    assert [item.name for item in read_plan(nameless).trajectories] == default
    replaced = tracked(write_plan(plan.trajectories, images, predecessor=others))
    assert len({*replaced}) == 3
    assert all(UID(uid).is_valid for uid in replaced)


def test_a_diameter_in_another_unit(images):
    """Of documents of others: one that is no length has the plan refused."""
    for unit, expected in (("cm", 15.0), ("um", 0.0015)):
        assert read_plan(with_unit(images, unit)).trajectories[0].diameter == pytest.approx(
            expected
        )
    with pytest.raises(SourceError, match="cannot be read"):
        read_plan(with_unit(images, "kg"))


def with_unit(images: list[Dataset], unit: str) -> Dataset:
    document = without(write_plan(TRAJECTORIES[:1], images))
    for item in document.ContentSequence[-1].ContentSequence[0].ContentSequence:
        if item.ValueType == "NUM":
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = unit
    return document


def no_series(document: Dataset) -> None:
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    del study.ReferencedSeriesSequence[0].SeriesInstanceUID


def no_name(document: Dataset) -> None:
    document.ContentSequence[0].ConceptNameCodeSequence = []


@pytest.mark.parametrize("change", [no_series, no_name])
def test_a_document_that_lacks_what_all_have_is_refused_in_words(images, change):
    document = without(write_plan(TRAJECTORIES[:1], images))
    change(document)
    with pytest.raises(SourceError, match="the document cannot be read"):
        read_plan(document)


def test_two_locations_that_nothing_connects_are_no_line(images):
    """As others may mark two landmarks: a MULTIPOINT (PS3.3 C.18.9.1.2)."""
    document = without(write_plan(TRAJECTORIES, images))
    document.ContentSequence[-1].ContentSequence[0].ContentSequence[-1].GraphicType = "MULTIPOINT"
    assert [item.name for item in read_plan(document).trajectories] == ["Entry", "Ziel ü"]


def test_lines_of_one_name_stay_two_findings_when_their_plan_is_replaced(images):
    twice = [TRAJECTORIES[0], codec.TrajectoryItem(name="Left STN", entry=(1, 2, 3))]
    first = write_plan(twice, images)
    assert len({*tracked(first)}) == 2
    assert tracked(write_plan(twice, images, predecessor=first)) == tracked(first)


def test_a_plan_of_others_does_not_keep_all_from_being_sent(images, tmp_path):
    """Its names can be of any length, and of its numbers some may be none."""
    for number, image in enumerate(images):
        image.save_as(tmp_path / f"ct{number}", enforce_file_format=True)
    for number, item in enumerate(
        (
            codec.TrajectoryItem(name="é" * 60, entry=(1, 2, 3), target=(4, 5, 6)),
            codec.TrajectoryItem(name="Nowhere", entry=(1, 2, float("nan")), target=(4, 5, 6)),
            codec.TrajectoryItem(name="Far", entry=(1, 2, 3), target=(4, 5, 3e38)),
        )
    ):
        path = tmp_path / f"plan{number}"
        write_plan([item], images).save_as(path, enforce_file_format=True)
    (item,) = DicomFolderSource(tmp_path).trajectories()
    assert item.name == "é" * 31
    assert codec.pack(codec.TrajectoryMessage(items=[item]))
