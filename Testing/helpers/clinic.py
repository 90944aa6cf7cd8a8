"""A clinic's images for the tests of details and of hidden patients: names are all over them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from helpers.peers import Peer, ScriptedServer
from IGTLMetaBrowserLib import codec, net

SPACING = (1.0, 2.0, 3.0)  # mm along i, j, k
SECRETS = ("Lindqvist", "lindqvist", "LINDQVIST", "Astrid", "W-1021", "W1021", "19500203")
"""What tells who the first patient is, as it stands in the texts below."""


class Clinic:
    """Two images of one patient, one of another, and one that names its patient when it fails."""

    def __init__(self) -> None:
        astrid, jorg = ("Lindqvist^Astrid", "W-1021"), ("Müller^Jörg", "W-0877")
        moment = codec.Timestamp.from_seconds(1.7e9)
        rest = {"scan_time": moment, "size": (4, 3, 2), "scalar_type": codec.ScalarType.INT16}
        item = codec.ImageMetaItem
        self.entries = [
            item("CT head", "HEAD", "CT", *astrid, **rest),
            item("MR of Astrid LINDQVIST", "LINDQVIST_MR", "MR", *astrid, **rest),
            item("PET", "PET", "PT", *jorg, **rest),
            item("Broken", "BROKEN", "CT", *astrid, **rest),
        ]
        self.metadata = {
            "PatientName": "Lindqvist^Astrid",
            "PatientID": "W-1021",
            "PatientBirthDate": "19500203",
            "OtherPatientNames": "Lindqvist^A",
            "AccessionNumber": "4711",
            "StudyInstanceUID": "1.2.3",
            "StudyDescription": "Head of A. Lindqvist (W1021)",
            "Modality": "MR",  # the list says CT
            "PixelSpacing": "2\\1",
            "Remark": "born 19500203",
        }

    def images(self) -> list[codec.ImageMetaItem]:
        return self.entries

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "BROKEN":
            raise net.SourceError("the file of Lindqvist, Astrid is missing")
        pixels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
        metadata = self.metadata if image_id == "HEAD" else {}
        affine = np.diag([*SPACING, 1.0])
        affine[:3, 3] = 10.0, 20.0, 30.0
        return codec.ImageMessage.from_ijk_to_ras(pixels, affine, metadata=metadata)

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []


def clinic_server(clinic: Clinic) -> ScriptedServer:
    """Serve a clinic in version 2, in which metadata comes with the images."""

    def answer(query: codec.Message) -> codec.Message:
        if query.type_name == "GET_IMGMETA":
            return codec.ImageMetaMessage(items=clinic.images())
        try:
            return clinic.image(query.device_name)
        except net.SourceError as error:
            return codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, message=str(error))

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            peer.send(replace(answer(query), device_name=query.device_name, header_version=2))

    return ScriptedServer(serve)
