"""Servers in processes of their own, for the steps: ``python servers.py KIND [NUMBER …]``.

In Slicer, `ServerProcess` starts one. In a process of its own it takes no time
of the event loop that is measured, and it can be lost like a real one.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

LARGE_SIZE = (512, 512, 300)  # i, j, k: 157 MB of uint16
LARGE_IMAGES = 10
_TIMESTAMP = slice(34, 42)  # of the header (OpenIGTLink, header.md); it is not in the checksum


class ServerProcess:
    """A server that runs until ``stop``; it listens on ``port`` of this computer."""

    def __init__(self, kind: str, *numbers: float, port: int = 0) -> None:
        command = [os.environ["REAL_SLICER_PYTHON"], __file__, kind, str(port), *map(str, numbers)]
        # Slicer's own libraries are not for another Python.
        settings = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings)
        line = self._process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"the server {kind!r} did not start; its output is above")
        self.port = int(line)

    def end(self) -> None:
        """Let it end in good order, with what it has started."""
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def stop(self) -> None:
        """End it without a word to its clients."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


# What runs in the other process -----------------------------------------------------------------


def large_images(port: int, seconds: float = 0) -> None:
    """Ten images of 157 MB with the same pixels; those with odd numbers are big-endian.

    ``seconds``: how long the server takes to find each image but the first.
    """
    import numpy as np

    from IGTLMetaBrowserLib import codec

    pixels = (np.arange(np.prod(LARGE_SIZE), dtype=np.uint32) % 4096).astype(np.uint16)
    pixels = pixels.reshape(LARGE_SIZE[::-1])

    class Source:
        def images(self) -> list[codec.ImageMetaItem]:
            return [
                codec.ImageMetaItem(
                    name=f"Image {number}",
                    id=f"IMAGE_{number}",
                    modality="MR",
                    size=LARGE_SIZE,
                    scalar_type=codec.ScalarType.UINT16,
                )
                for number in range(LARGE_IMAGES)
            ]

        def image_version(self, image_id: str) -> int:
            # Without it, the server would look for the image again for each part of it.
            return 0

        def image(self, image_id: str) -> codec.ImageMessage:
            time.sleep(0 if image_id == "IMAGE_0" else seconds)
            is_odd = int(image_id.removeprefix("IMAGE_")) % 2 == 1
            return codec.ImageMessage(pixels, big_endian=is_odd)

        def trajectories(self) -> list[codec.TrajectoryItem]:
            return []

    serve(Source(), port)


def long_list(port: int, count: float) -> None:
    """A list of so many images."""
    from helpers.long_lists import LongListSource

    serve(LongListSource(int(count)), port)


def heads(port: int, count: float) -> None:
    """So many small images of heads, each with a ball somewhere else, with thumbnails."""
    import numpy as np

    from IGTLMetaBrowserLib import codec

    side, slices = 96, 48
    grid, head = _head(side, slices)

    class Heads:
        seconds_between_images = 1.0

        def __init__(self) -> None:
            self._entries = tuple(map(self._entry, range(int(count))))

        def _entry(self, number: int) -> codec.ImageMetaItem:
            patient = f"{number % 50}"
            size, scalar_type = (side, side, slices), codec.ScalarType.INT16
            texts = (f"Head {number}", f"HEAD_{number}", "CT", f"Patient {patient}", patient)
            return codec.ImageMetaItem(*texts, size=size, scalar_type=scalar_type)

        def images(self) -> tuple[codec.ImageMetaItem, ...]:
            return self._entries

        def image_version(self, image_id: str) -> str:
            return image_id

        def image(self, image_id: str) -> codec.ImageMessage:
            angle = int(image_id.removeprefix("HEAD_"))
            ball = np.array([0, 24 * np.sin(angle), 24 * np.cos(angle)])[:, None, None, None]
            pixels = head.copy()
            pixels[np.linalg.norm(grid * [[[[2]]], [[[1]]], [[[1]]]] - ball, axis=0) < 9] = 180
            return codec.ImageMessage(pixels, np.diag([-2.0, -2.0, 4.0, 1.0])[:3])

        def trajectories(self) -> list[codec.TrajectoryItem]:
            return []

    serve(Heads(), port)


def _head(side: int, slices: int) -> tuple[Any, Any]:
    """Return the indices of a volume from its middle, and the voxels of a head in it."""
    import numpy as np

    middle = np.array([[slices], [side], [side]])[..., None, None] / 2
    grid = np.indices((slices, side, side)) - middle
    radius = np.sqrt((grid[0] * 2) ** 2 + grid[1] ** 2 + (grid[2] * 1.2) ** 2)
    head = np.where(radius < 42, 40, -1000) + np.where((radius > 38) & (radius < 42), 900, 0)
    return grid, head.astype(np.int16)


def clinic(port: int, patient: float = 0) -> None:
    """The phantom's images and trajectories, a label map of the CT, and some points.

    With another number than 0, of another patient under the same IDs, whose plan goes elsewhere.
    """
    from dataclasses import replace

    import numpy as np

    from IGTLMetaBrowserLib import codec
    from IGTLMetaBrowserLib.sources.demo import DemoSource

    class Clinic(DemoSource):
        def images(self) -> list[codec.ImageMetaItem]:
            if not patient:
                return super().images()
            who = {"patient_name": "Next^Patient", "patient_id": f"NEXT-{patient:g}"}
            return [replace(entry, **who) for entry in super().images()]

        def trajectories(self) -> list[codec.TrajectoryItem]:
            def moved(point: tuple[float, float, float]) -> tuple[float, float, float]:
                return point[0] + 25.0 * patient, point[1], point[2]

            return [
                replace(one, entry=moved(one.entry), target=moved(one.target))
                for one in super().trajectories()
            ]

        def image(self, image_id: str) -> codec.ImageMessage:
            if image_id != "SKULL":
                return super().image(image_id)
            ct = super().image("DEMO_CT")
            labels = (np.asarray(ct.pixels) > 300).astype(np.uint8)
            return codec.ImageMessage.from_ijk_to_ras(labels, ct.ijk_to_ras())

        def label_maps(self) -> list[codec.LabelMetaItem]:
            size = next(one.size for one in self.images() if one.id == "DEMO_CT")
            return [codec.LabelMetaItem("Skull", "SKULL", 1, (230, 200, 60, 255), size, "DEMO_CT")]

        def points(self) -> list[codec.PointItem]:
            places = {"Nasion": (0, 88, 10), "Left ear": (-75, 0, 0), "Right ear": (75, 0, 0)}
            return [
                codec.PointItem(name, "Fiducials", position=place, diameter=1.0, owner="DEMO_CT")
                for name, place in places.items()
            ]

    serve(Clinic(), port)


def trajectories(port: int, count: float, rate: float = 0) -> None:
    """So many lines; all of them moved by 1 mm, so often a second, once they were asked for."""
    from IGTLMetaBrowserLib import codec
    from real_slicer.streams import stream

    def message(step: int) -> bytes:
        return codec.pack(codec.TrajectoryMessage(items=_lines(int(count), step)))

    def answer(query: codec.Message) -> bytes | None:
        if query.type_name == "GET_TRAJ":
            return message(0)
        return codec.pack(codec.ImageMetaMessage(items=[]))

    stream(port, answer, lambda: map(message, range(1, 1 << 30)), rate, after="GET_TRAJ")


def live_images(port: int, width: float, height: float, rate: float) -> None:
    """An image that is sent again and again, so often a second; there is nothing to ask for."""
    import numpy as np

    from IGTLMetaBrowserLib import codec
    from real_slicer.streams import stream

    size = int(width), int(height)
    across = np.arange(size[0])[None, :] + np.arange(size[1])[:, None]
    # Made ahead, as the server shares its processor with Slicer, and stands for another computer.
    messages = []
    for number in range(32):
        pixels = ((across + 8 * number) % 256).astype(np.uint8)[None]
        messages.append(bytearray(codec.pack(codec.ImageMessage(pixels, device_name="Ultrasound"))))

    def images() -> Iterator[bytearray]:
        for message in itertools.cycle(messages):
            now = codec.Timestamp.from_seconds(time.time())
            message[_TIMESTAMP] = now.to_bytes(8, "big")
            yield message

    stream(port, lambda _query: None, images, rate)


def _lines(count: int, step: int) -> list:
    from IGTLMetaBrowserLib import codec

    return [
        codec.TrajectoryItem(
            name=f"Trajectory {number}",
            group="Plan",
            entry=(number % 40 * 4.0 - 80, number // 40 * 4.0 - 50, 90.0),
            # Never in the same place after whole seconds: who looks each second sees it move.
            target=(step % 37 / 4, number % 30 - 15.0, 0.0),
            diameter=1.3,
        )
        for number in range(count)
    ]


def phantom_with_tls(port: int, *_numbers: float) -> None:
    """The phantom with TLS, and a certificate of its own signature in ``certificate_file``."""
    from IGTLMetaBrowserLib import net
    from IGTLMetaBrowserLib.sources.demo import DemoSource

    file = certificate_file()
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=OpenIGTLink phantom", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    # Slicer's own libraries are not for other programs.
    settings = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    subprocess.run(command, check=True, capture_output=True, env=settings)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    file.with_suffix(".crt").unlink()
    serve(DemoSource(), port, tls=net.ServerTLS(file).make_context())


def perfusion(port: int, *_numbers: float) -> None:
    """A DICOM folder with a 4D series: twelve slices at each of three times, ever brighter."""
    import tempfile

    import numpy as np

    from helpers import radiotherapy as study
    from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

    with tempfile.TemporaryDirectory() as name:
        for time_number in range(3):
            for number in range(1, 13):
                dataset = study.ct_slice(number)
                across = np.arange(dataset.Columns, dtype=np.uint16)
                pixels = np.tile(8 * across + 10 * time_number + number, (dataset.Rows, 1))
                dataset.RescaleIntercept = 0
                dataset.PixelData = pixels.tobytes()
                dataset.AcquisitionTime = f"08300{time_number}"
                dataset.InstanceNumber = 12 * time_number + number
                uid = f"{study.instance_of(study.CT, number)}.{time_number + 1}"
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
                path = Path(name) / f"{time_number}-{number}"
                dataset.save_as(path, enforce_file_format=True)
        serve(DicomFolderSource(Path(name)), port)


def large_ct(
    port: int, megabits: float = 0, milliseconds: float = 0, width: float = 512, slices: float = 300
) -> None:
    """A CT, of 157 MB, perhaps behind a link of so many Mbit/s, which takes so long one way."""
    from helpers.large_ct import LargeCT
    from IGTLMetaBrowserLib import net

    source = LargeCT((int(width), int(width), int(slices)))
    if not megabits:
        serve(source, port)
        return
    link_file = TESTING / "helpers" / "shaped_link.py"
    with net.Server(source, port=0) as server:
        numbers = (server.port, 1e6 * megabits, milliseconds / 1000)
        # In a process of its own, which prints its port: the link must not wait for the server. It
        # ends with the session of the step.
        subprocess.Popen([sys.executable, str(link_file), *map(str, numbers)])
        server.serve_forever()


def orthanc(_port: int, count: float, is_dimse: bool = False) -> None:
    """An archive with the phantom, and so many series of other patients; by DICOMweb."""
    import tempfile

    from helpers import orthanc
    from helpers.demo_dicom import write_phantom

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.environ.pop("LD_LIBRARY_PATH", None)  # Slicer's own libraries are not for other programs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_phantom(folder / "phantom")
        (folder / "others").mkdir()
        _write_others(folder / "others", int(count))
        with orthanc.running(folder / "orthanc") as archive:
            archive.upload(sorted((folder / "others").iterdir()))
            archive.upload(sorted((folder / "phantom").rglob("*.dcm")))
            print(archive.dicom_port if is_dimse else archive.http_port, flush=True)
            signal.pause()


def orthanc_by_dimse(port: int, count: float) -> None:
    """The same, whose port is that of DIMSE."""
    orthanc(port, count, is_dimse=True)


def _write_others(folder: Path, count: int) -> None:
    from helpers import radiotherapy as study

    dataset = study.ct_slice(1)
    for number in range(count):
        dataset.PatientName, dataset.PatientID = f"Other^Number {number}", f"OTHER-{number:04}"
        dataset.StudyInstanceUID = f"1.2.3.{number}"
        dataset.SeriesInstanceUID = f"1.2.3.{number}.1"
        uid = dataset.SOPInstanceUID = f"1.2.3.{number}.1.1"
        dataset.file_meta.MediaStorageSOPInstanceUID = uid
        dataset.save_as(folder / f"{number:04}.dcm", enforce_file_format=True)


def faulty(_port: int, *_numbers: float) -> None:
    """The archive of the fault tests; of its connections, every other has another fault."""
    from helpers.peers import ServerInThread
    from hostile.conversation import Archive
    from hostile.fault_proxy import FaultProxy
    from hostile.soak_peers import fault_of_connection

    with (
        ServerInThread(Archive()) as server,
        FaultProxy(server.port, fault_of_connection) as proxy,
    ):
        print(proxy.port, flush=True)
        signal.pause()


def soak_stream(_port: int, *_numbers: float) -> None:
    """Images, plans and damaged messages, as in ``dev.py soak``."""
    from hostile.soak_peers import streaming

    with streaming() as port:
        print(port, flush=True)
        signal.pause()


def certificate_file() -> Path:
    """Where the certificate of ``phantom_with_tls`` is, with its key."""
    return Path(os.environ["REAL_SLICER_OUTPUT"]) / "phantom.pem"


def serve(source: object, port: int, **options: object) -> None:
    """Serve a source for ever."""
    from IGTLMetaBrowserLib import net

    with net.Server(source, port=port, **options) as server:
        print(server.port, flush=True)
        server.serve_forever()


KINDS = {
    "large_images": large_images,
    "large_ct": large_ct,
    "long_list": long_list,
    "orthanc": orthanc,
    "orthanc_by_dimse": orthanc_by_dimse,
    "heads": heads,
    "clinic": clinic,
    "perfusion": perfusion,
    "phantom_with_tls": phantom_with_tls,
    "trajectories": trajectories,
    "live_images": live_images,
    "faulty": faulty,
    "soak_stream": soak_stream,
}

if __name__ == "__main__":
    # Slicer lowers its own priority on Linux to the lowest one (vtkSlicerApplicationLogic.cxx):
    # this process, which stands for another computer, would keep it from the processor.
    if hasattr(os, "nice"):
        os.nice(19)
    KINDS[sys.argv[1]](int(sys.argv[2]), *map(float, sys.argv[3:]))
