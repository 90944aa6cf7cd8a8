"""A served folder without identities: all bytes sent are searched for every identifying value."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from helpers import radiotherapy as study
from helpers.clinic import SECRETS, Clinic
from helpers.demo_dicom import write_series
from helpers.peers import PATIENCE, TRAJECTORY, ImagesInMemory, ServerInThread, make_image
from helpers.ready_sources import ready
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.listed_images import is_of_another_patient
from IGTLMetaBrowserLib.net.list_metadata.image_sequences import ImageSequence
from IGTLMetaBrowserLib.net.source import OffersSearch, OffersStreams, SourceError
from IGTLMetaBrowserLib.privacy.deidentified_source import DeidentifiedSource
from IGTLMetaBrowserLib.sources.demo import DemoSource, demo_images
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

KEY = b"a secret"
OUR_NAME = "IGTLMetaBrowser"  # the maker of our own files, and what our servers are called


class ClinicOnly:
    """The clinic's images, without metadata beside them."""

    def __init__(self) -> None:
        clinic = Clinic()
        self.images, self.image = clinic.images, clinic.image
        self.trajectories = clinic.trajectories


IDENTIFYING_VRS = {"PN", "LO", "SH", "ST", "LT", "UT", "DA", "TM", "DT", "UI", "AS"}
# Values that are the same for everybody: those of the standard, and of the modality.
TECHNICAL = {
    "SOPClassUID", "MediaStorageSOPClassUID", "TransferSyntaxUID", "ScanOptions",
    "ReferencedSOPClassUID",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series of ours and files of pydicom's, with trajectories beside them."""
    folder = tmp_path_factory.mktemp("Mustermann, Erika")
    write_series(next(i for i in demo_images() if i.modality == "MR"), folder / "Sheplogan", 16)
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copy(pydicom.data.get_testdata_file(name, download=False), folder)
    return folder


def identifying_values(folder: Path) -> set[str]:
    """Return all texts, dates and UIDs in the files that are long enough to be found."""
    paths = [*folder.rglob("*.dcm")]
    return identifying_values_of(paths) | {path.stem for path in paths if len(path.stem) > 5}


def identifying_values_of(paths: Iterable[Path]) -> set[str]:
    values: set[str] = set()
    for path in paths:
        for element in pydicom.dcmread(path, stop_before_pixels=True).iterall():
            if element.VR in IDENTIFYING_VRS and element.keyword not in TECHNICAL:
                parts = str(element.value).replace("^", "\\").replace(", ", "\\").split("\\")
                values |= {part.strip() for part in parts}
    # Zeros are in the tag of a thumbnail, and identify nobody.
    return {v for v in values if len(v) >= 4 and v != OUR_NAME and v.strip("0")}


def everything_sent(port: int, ids: list[str]) -> Iterator[bytes]:
    """Ask for all there is, in both versions, and what there is not; yield the bytes that come."""
    metadata = {"Client": "IGTLMetaBrowser"}
    queries = [("IMGMETA", ""), ("TRAJ", ""), ("POINT", ""), ("LBMETA", ""), ("STATUS", "")]
    queries += [("IMAGE", "nobody"), ("COLORT", "nobody")]
    for image_id in ids:
        queries += [("IMGMETA", image_id), ("IMAGE", image_id), ("COLORT", image_id)]
        queries += [("IMGTHUMB", image_id)]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        for data_type, name in queries:
            sock.sendall(codec.pack(codec.GetMessage(data_type, device_name=name)))
            query = codec.GetMessage(
                data_type, device_name=name, header_version=2, message_id=1, metadata=metadata
            )
            sock.sendall(codec.pack(query))
        for name in (*ids, "nobody"):
            request = codec.GetImagePartMessage(stride=(4, 4, 4), device_name=name)
            sock.sendall(codec.pack(request))
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(1 << 20):
            yield data


def test_no_identifying_value_of_the_folder_is_sent(folder: Path):
    plan = replace(TRAJECTORY, name="Mustermann left")
    original = DicomFolderSource(folder, [plan])
    secrets = identifying_values(folder) | {"Mustermann", str(folder)}
    assert {"Sheplogan", "DEMO-0001", "CompressedSamples"} <= secrets
    secrets |= {item.id for item in original.images()}
    source = DeidentifiedSource(original, KEY)
    assert len(source.images()) == 3
    with ServerInThread(source) as server:
        sent = b"".join(everything_sent(server.port, [item.id for item in source.images()]))
    assert len(sent) > 2 * 256 * 256 * 16 * 2
    assert [value for value in sorted(secrets) if value.encode() in sent] == []
    # They are what an ordinary server sends.
    with ServerInThread(original) as server:
        sent = b"".join(everything_sent(server.port, [item.id for item in original.images()]))
    assert len([value for value in secrets if value.encode() in sent]) > 10


def test_pixels_and_geometry_are_those_of_the_original(folder: Path):
    original = DicomFolderSource(folder)
    source = DeidentifiedSource(original, KEY)
    for old, new in zip(original.images(), source.images(), strict=True):
        before, after = original.image(old.id), source.image(new.id)
        assert np.array_equal(before.pixels, after.pixels)
        assert np.array_equal(before.ijk_to_ras(), after.ijk_to_ras())
        assert (new.modality, new.size, new.scalar_type) == (
            old.modality,
            old.size,
            old.scalar_type,
        )


def test_pseudonyms_are_consistent_and_depend_on_the_key():
    clinic = ClinicOnly()
    first, again = DeidentifiedSource(clinic, KEY), DeidentifiedSource(clinic, KEY)
    other = DeidentifiedSource(clinic, b"another secret")
    assert first.images() == again.images()
    patients = [item.patient_id for item in first.images()]
    assert patients[0] == patients[1] != patients[2]  # Astrid, Astrid, Jörg
    assert not {item.id for item in first.images()} & {item.id for item in other.images()}
    assert not {*patients} & {item.patient_id for item in other.images()}


def test_technical_metadata_stay_and_uids_are_replaced_alike(folder: Path):
    original = DicomFolderSource(folder)
    source = DeidentifiedSource(original, KEY)
    for old, new in zip(original.images(), source.images(), strict=True):
        before, after = original.metadata(old.id), source.metadata(new.id)
        assert after["Modality"] == before["Modality"]
        assert after["StudyInstanceUID"] == after["study"] != before["study"]
        assert after["StudyInstanceUID"].startswith("2.25.")
        assert after["PatientID"] == new.patient_id
        assert "file_path" not in after


def test_an_image_of_which_nothing_else_is_known_has_the_modality_of_the_list():
    """By that, its thumbnail is made."""
    source = DeidentifiedSource(DemoSource(), KEY)
    for item in source.images():
        assert source.metadata(item.id) == {"PatientID": item.patient_id, "Modality": item.modality}


def test_a_failure_is_told_without_the_words_of_the_source():
    source = DeidentifiedSource(ClinicOnly(), KEY)
    broken = source.images()[3]
    with (
        ServerInThread(source) as server,
        server.client() as client,
        pytest.raises(net.RefusedError) as raised,
    ):
        client.get_image(broken.id)
    assert not any(secret in str(raised.value) for secret in SECRETS)


def test_labels_and_points_have_numbers_and_the_new_ids():
    class Labeled(ImagesInMemory):
        def label_maps(self) -> list[codec.LabelMetaItem]:
            return [codec.LabelMetaItem("Lindqvist's tumor", "SEG", 3, owner="A")]

        def points(self) -> list[codec.PointItem]:
            return [codec.PointItem("Lindqvist", "Lindqvist", owner="A")]

    images = {"A": make_image(1), "SEG": make_image(2)}
    source = DeidentifiedSource(Labeled(images), KEY, allow_annotated=True)
    (label,), (point,) = source.label_maps(), source.points()
    assert (label.name, point.name, point.group) == ("Label 3", "Point 1", "")
    assert label.owner == point.owner == source.images()[0].id
    assert source.image(label.id).pixels[0, 0, 0] == 2


def test_a_source_that_is_not_ready_leaves_the_list_as_it_was():
    """A folder that is scanned while the list is asked for: the next who asks has the new one."""

    class Scanning(ImagesInMemory):
        is_ready = True
        listing = (codec.ImageMetaItem(name="CT", id="A", modality="CT"),)

        def images(self):
            return self.listing

        def metadata(self, image_id):
            if not self.is_ready:
                raise net.NotReadyError
            return {}

    source = Scanning()
    offered = DeidentifiedSource(source, KEY)
    before = offered.images()
    source.listing = (*source.listing, codec.ImageMetaItem(name="MR", id="B", modality="MR"))
    source.is_ready = False
    with pytest.raises(net.NotReadyError):
        offered.images()
    assert offered.image_version(before[0].id) is not None
    source.is_ready = True
    assert len(offered.images()) == 2


def test_a_long_list_is_made_in_turns():
    """That of 20,000 images took two seconds, in which no other client was served."""

    class Growing(ImagesInMemory):
        listing: tuple[codec.ImageMetaItem, ...] = ()

        def images(self):
            return self.listing

    source = Growing()
    offered = DeidentifiedSource(source, KEY, seconds_a_turn=0.0)
    source.listing = tuple(codec.ImageMetaItem("", name, "CT") for name in "ABC")
    for _ in "ABC":
        with pytest.raises(net.NotReadyError):
            offered.images()
        source.listing = (*source.listing, codec.ImageMetaItem("", "D", "CT"))
    assert len(offered.images()) == 3, "if each new list were waited for, none would ever be sent"
    assert len(ready(offered.images)) == 6


class Corrected(ImagesInMemory):
    """An image that is one patient's, and another's when somebody has asked for a newer list."""

    patient_id = "P1"

    def __init__(self) -> None:
        super().__init__({"A": make_image(1), "B": make_image(2)})
        self._listing = self._listed()

    def correct(self) -> None:
        self.patient_id = "P2"
        self._listing = self._listed()

    def _listed(self) -> tuple[codec.ImageMetaItem, ...]:
        return tuple(replace(item, patient_id=self.patient_id) for item in super().images())

    def images(self) -> tuple[codec.ImageMetaItem, ...]:
        return self._listing

    def image(self, image_id: str) -> codec.ImageMessage:
        return replace(super().image(image_id), metadata=self.metadata(image_id))

    def metadata(self, image_id: str) -> dict[str, str]:
        return {"PatientID": self.patient_id}

    def kept_thumbnail(self, image_id: str) -> codec.ThumbnailMessage | None:
        return codec.ThumbnailMessage()

    def keep_thumbnail(self, image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
        pass


def test_that_an_id_is_another_patients_now_is_noticed():
    """By a client that has the list of before: size and type are the same."""
    corrected = Corrected()
    source = DeidentifiedSource(corrected, KEY)
    before = source.images()[0]
    assert not is_of_another_patient(source.image(before.id), before)
    corrected.correct()
    now = source.images()[0]
    assert now.id == before.id
    assert is_of_another_patient(source.image(before.id), before)
    assert not is_of_another_patient(source.image(now.id), now)


def test_nothing_is_sent_of_an_image_that_is_another_patients_than_its_list_says():
    """The list is made in turns, when the source has the images of the newer one already."""
    corrected = Corrected()
    source = DeidentifiedSource(corrected, KEY, seconds_a_turn=0.0)
    before = source.images()[0]
    corrected.correct()
    with pytest.raises(net.NotReadyError):
        source.images()
    for ask in (source.image, source.kept_thumbnail):
        with pytest.raises(SourceError, match="has changed"):
            ask(before.id)
    assert is_of_another_patient(source.image(ready(source.images)[0].id), before)


class Archive(Clinic):
    """The clinic as an archive: it is searched, keeps thumbnails, and has a 4D series."""

    search_keywords = ("PatientName", "Modality")
    seconds_between_images = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, codec.ThumbnailMessage] = {}

    def search(self, attributes):
        found = [
            item
            for item in self.images()
            if item.modality == attributes.get("Modality", item.modality)
        ]
        return found, "of Astrid there is more in the archive"

    def image_version(self, image_id):
        return 1

    def kept_thumbnail(self, image_id):
        return self.kept.get(image_id)

    def keep_thumbnail(self, image_id, thumbnail):
        self.kept[image_id] = thumbnail

    def sequences(self):
        ids = tuple(item.id for item in self.images()[:2])
        return [ImageSequence(ids, "Astrid", "", ("Astrid before", "Astrid after"))]

    def trajectories(self):
        return [TRAJECTORY, replace(TRAJECTORY, name="Astrid's")]

    def documents_of_trajectories(self):
        return ["1.2.3.4"] * len(self.trajectories())

    def notices_of_documents(self):
        return {"1.2.3.4": "Astrid has replaced the same plan", "1.2.3.5": ""}

    def notice_of_missing(self, data_type):
        return "Astrid's SR cannot be had"


def test_what_a_source_does_not_offer_is_not_offered() -> None:
    source = DeidentifiedSource(ClinicOnly(), KEY)
    assert not isinstance(source, OffersStreams)
    assert not isinstance(source, OffersSearch)
    assert source.sequences() == []
    assert source.kept_thumbnail(source.images()[0].id) is None


def test_sequences_are_offered_under_the_new_ids_without_texts() -> None:
    source = DeidentifiedSource(Archive(), KEY, allow_annotated=True)
    ids = tuple(item.id for item in source.images()[:2])
    assert source.sequences() == [ImageSequence(ids, "volume", "", ("1", "2"))]


def test_only_by_the_modality_can_images_be_found() -> None:
    source = DeidentifiedSource(Archive(), KEY, allow_annotated=True)
    modality = source.images()[0].modality
    found, notice = source.search({"Modality": modality})
    assert {item.id for item in found} <= {item.id for item in source.images()}
    assert "Astrid" not in notice
    with pytest.raises(net.SourceError, match="by Modality only"):
        source.search({"PatientName": "Astrid*"})


def test_nothing_that_an_archive_knows_is_sent() -> None:
    """All bytes that come for each query are searched for all that the clinic keeps secret."""
    source = DeidentifiedSource(Archive(), KEY, allow_annotated=True)
    ids = [item.id for item in source.images()]
    with ServerInThread(source) as server:
        sent = b"".join(everything_sent(server.port, ids))
    assert [secret for secret in SECRETS if secret.encode() in sent] == []


def test_that_there_is_more_to_know_of_plans_is_told_without_names() -> None:
    """Two plans may be valid beside each other, and one that has replaced them may be missing."""
    with ServerInThread(DeidentifiedSource(Archive(), KEY, allow_annotated=True)) as server:
        client = net.Client("127.0.0.1", server.port)
        client.list_images()  # then it is known that the server understands metadata
        told = client.get_trajectory_list().metadata
        client.close()
    (document,) = {*told["SOPInstanceUID"].split("\\")}
    assert document.startswith("2.25.")
    assert "another one is valid beside it" in told[f"{document}/Notice"]
    assert "which may have replaced what is here" in told["Notice"]
    assert not any("Astrid" in text or "1.2.3.4" in text for text in told.values())


def test_a_source_that_fails_is_not_quoted() -> None:
    def fail():
        raise net.SourceError("/data/Astrid/plan.json cannot be read")

    clinic = ClinicOnly()
    clinic.trajectories = fail
    source = DeidentifiedSource(clinic, KEY)
    with pytest.raises(net.SourceError) as raised:
        source.trajectories()
    assert "Astrid" not in str(raised.value)


def test_a_4d_folder_and_a_radiograph_without_mm(tmp_path: Path) -> None:
    """The parts of a series are still one, and what is not in mm is still said not to be."""
    for t in range(2):
        for number in (1, 2, 3):
            dataset = study.ct_slice(number)
            uid = f"{study.instance_of(study.CT, number)}.{t + 1}"
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
            dataset.AcquisitionTime, dataset.InstanceNumber = f"08300{t}", 3 * t + number
            dataset.save_as(tmp_path / f"{t}-{number}", enforce_file_format=True)
    dataset = study.ct_slice(9)
    dataset.Modality, dataset.SeriesInstanceUID = "CR", "1.2.3.4567"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4567.1"
    del dataset.PixelSpacing
    del dataset.ImagePositionPatient
    dataset.save_as(tmp_path / "radiograph", enforce_file_format=True)
    secrets = identifying_values_of([*tmp_path.iterdir()])
    source = DeidentifiedSource(DicomFolderSource(tmp_path), KEY)
    with ServerInThread(source) as server:
        with server.client() as client:
            items = client.list_images()
            metadata = [client.get_image(item.id).metadata for item in items]
        sent = b"".join(everything_sent(server.port, [item.id for item in items]))
    (sequence,) = source.sequences()
    assert sequence.values == ("0", "1")
    (radiograph,) = [number for number, item in enumerate(items) if item.modality == "CR"]
    assert items[radiograph].name.endswith("(mm not known)")
    assert "pixel size is not known" in metadata[radiograph]["Notice"]
    assert [value for value in sorted(secrets) if value.encode() in sent] == []
