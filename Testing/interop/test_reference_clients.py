"""The reference library's clients against our server."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from helpers import cpp_library
from helpers.peers import TRAJECTORY, ImagesInMemory, ServerInThread
from IGTLMetaBrowserLib import codec
from interop.reference_library import BuildExample

SCAN_TIME = codec.Timestamp.from_seconds(1715934600.75)
LISTED = codec.ImageMetaItem(
    name="Head, axial 0.75 mm",
    id="CT_4711",
    modality="CT",
    patient_name="Doe^Jane",
    patient_id="4711-A",
    scan_time=SCAN_TIME,
    size=(24, 20, 16),
    scalar_type=codec.ScalarType.INT16,
)
AFFINE = np.array([[0.0, -0.5, 0, 10], [0.75, 0, 0, -20], [0, 0, 2.5, 30.5], [0, 0, 0, 1]])
PIXELS = np.random.default_rng(4711).integers(-1024, 3072, (16, 20, 24), np.int16)


class OneListedImage(ImagesInMemory):
    """One image with all fields of the list."""

    def images(self) -> list[codec.ImageMetaItem]:
        return [LISTED]


@pytest.fixture
def server():
    image = codec.ImageMessage.from_ijk_to_ras(PIXELS, AFFINE)
    with ServerInThread(OneListedImage({LISTED.id: image}, [TRAJECTORY])) as server:
        yield server


def fields_of(output: str) -> dict[str, list[str]]:
    """Return what fetch_all printed: for each key the values, in the order of the lines."""
    fields = defaultdict(list)
    for line in output.splitlines():
        key, _, value = line.partition(" ")
        fields[key].append(value)
    return fields


def test_a_client_of_the_library_reads_all_that_we_send(
    server: ServerInThread, build_example: BuildExample, tmp_path: Path
):
    program = cpp_library.build(Path(__file__).parent / "fetch_all.cc", tmp_path)
    result = subprocess.run(
        [program, str(server.port), tmp_path], capture_output=True, text=True, timeout=30
    )
    assert (result.returncode, result.stderr) == (0, "")
    fields = fields_of(result.stdout)
    assert fields["answer"] == ["IMGMETA ", "IMAGE CT_4711", "TRAJ "]
    # The list
    assert fields["name"] == [LISTED.name]
    assert fields["modality"] == ["CT"]
    assert fields["patient_name"] == ["Doe^Jane"]
    assert fields["patient_id"] == ["4711-A"]
    assert fields["scan_time"] == ["1715934600.750000"]
    assert fields["size"] == ["24 20 16"]
    assert fields["scalar_type"] == ["4"]
    # The image
    assert fields["dimensions"] == ["24 20 16"]
    assert fields["components"] == ["1"]
    assert fields["pixel_type"] == ["4"]
    assert fields["coordinates"] == ["1"]
    pixels = np.fromfile(tmp_path / "CT_4711.raw", "<i2" if fields["endian"] == ["2"] else ">i2")
    assert np.array_equal(pixels.reshape(PIXELS.shape), PIXELS)
    # The library gives the axes without their spacing here, and the center as it is on the wire.
    matrix = np.array(fields["matrix"][0].split(), float).reshape(3, 4)
    spacing = np.linalg.norm(AFFINE[:3, :3], axis=0)
    assert np.allclose(matrix[:, :3] * spacing, AFFINE[:3, :3])
    assert np.allclose(matrix[:, 3], AFFINE[:3] @ [11.5, 9.5, 7.5, 1])
    # The trajectories
    assert fields["trajectory"] == [TRAJECTORY.name]
    assert fields["group"] == [TRAJECTORY.group]
    assert fields["type"] == ["3"]
    assert fields["rgba"] == ["255 128 0 255"]
    assert fields["entry"] == ["10 20 30"]
    assert fields["target"] == ["-1.5 0 8.25"]
    assert fields["diameter"] == ["2.5"]
    assert fields["owner"] == ["A"]


def test_image_meta_client_prints_our_list(server: ServerInThread, build_example: BuildExample):
    # It asks as "Client", and expects the whole list under that name; ten times in five seconds.
    program = build_example("ImageMeta/ImageMetaClient")
    command = [program, "127.0.0.1", str(server.port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as client:
        lines = []
        for line in client.stderr:
            lines.append(line.strip())
            if line.startswith("=====") and len(lines) > 2:  # the line below the first element
                break
        client.kill()
    printed = dict(re.split(r"\s*: ?", line, maxsplit=1) for line in lines if ":" in line)
    assert lines[0] == "Receiving IMGMETA data type."
    assert printed == {
        "Name": "Head, axial 0.75 mm",
        "DeviceName": "CT_4711",
        "Modality": "CT",
        "PatientName": "Doe^Jane",
        "PatientID": "4711-A",
        "TimeStamp": "1715934600.750000",
        "Size": "( 24, 20, 16)",
        "ScalarType": "4",
    }


def test_trajectories_that_a_client_pushes_do_our_server_no_harm(
    server: ServerInThread, build_example: BuildExample
):
    program = build_example("Trajectory/TrajectoryClient")
    subprocess.run([program, "127.0.0.1", str(server.port)], check=True, timeout=30)
    with server.client() as client:
        assert list(client.list_images()) == [LISTED]
