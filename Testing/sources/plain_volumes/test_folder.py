"""A folder of NRRD, NIfTI and MetaImage files and markups, served."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from helpers.peers import TRAJECTORY, ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.cli.markups_file import write_markups
from IGTLMetaBrowserLib.cli.nrrd_file import write_nrrd
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.plain_volumes import folder as plain_volumes
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource, read_volume
from IGTLMetaBrowserLib.sources.plain_volumes.headers import NO_PLACE

# Anisotropic, turned about an axis, off center; mm, RAS.
OBLIQUE = np.array(
    [
        [0.8 * 0.9, -0.6 * 1.5, 0, -12.5],
        [0.6 * 0.9, 0.8 * 1.5, 0, 40],
        [0, 0, 3.0, -7],
        [0, 0, 0, 1],
    ]
)
VOXELS = np.arange(4 * 3 * 2, dtype=np.int16).reshape(4, 3, 2)  # k, j, i
LPS_TO_RAS = np.diag([-1.0, -1, 1, 1])


def write_with_itk(path: Path, voxels: np.ndarray = VOXELS) -> None:
    """Write a file with the geometry ``OBLIQUE``."""
    image = SimpleITK.GetImageFromArray(voxels)
    affine = LPS_TO_RAS @ OBLIQUE
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))


def write_with_nibabel(path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VOXELS.T, OBLIQUE), path)


def write_with_pynrrd(path: Path) -> None:
    write_nrrd(path, codec.ImageMessage.from_ijk_to_ras(VOXELS, OBLIQUE), {})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("head.nrrd", write_with_itk),
        ("head.nrrd", write_with_pynrrd),
        ("head.nhdr", write_with_itk),
        ("head.nii", write_with_itk),
        ("head.nii", write_with_nibabel),
        ("head.nii.gz", write_with_nibabel),
        ("head.mha", write_with_itk),
        ("head.mhd", write_with_itk),
    ],
)
def test_each_format_has_the_voxels_and_the_place_of_who_wrote_it(
    tmp_path: Path, name: str, write: object
):
    write(tmp_path / name)
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        (item,) = client.list_images()
        image = client.get_image("head")
    assert (item.id, item.name, item.size) == ("head", "head", (2, 3, 4))
    assert item.scalar_type == codec.ScalarType.INT16
    np.testing.assert_array_equal(image.pixels, VOXELS)
    np.testing.assert_allclose(image.ijk_to_ras(), OBLIQUE, atol=1e-5)


def test_colors_and_single_slices(tmp_path: Path):
    colors = np.arange(4 * 3 * 2 * 3, dtype=np.uint8).reshape(4, 3, 2, 3)
    SimpleITK.WriteImage(
        SimpleITK.GetImageFromArray(colors, isVector=True), str(tmp_path / "colors.nrrd")
    )
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(VOXELS[0]), str(tmp_path / "slice.mha"))
    source = PlainVolumeSource(tmp_path)
    assert [item.size for item in source.images()] == [(2, 3, 4), (2, 3, 1)]
    np.testing.assert_array_equal(source.image("colors").pixels, colors)
    np.testing.assert_array_equal(source.image("slice").pixels, VOXELS[:1])


def test_ids_are_the_names_where_they_fit_and_unique_in_any_case(tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_with_itk(tmp_path / folder / "head.nrrd")
    write_with_itk(tmp_path / "a name that is far too long.nrrd")
    write_with_itk(tmp_path / "Schädel.nrrd")
    items = PlainVolumeSource(tmp_path).images()
    assert len({item.id for item in items}) == 4
    assert all(len(item.id.encode()) <= 20 for item in items)
    assert sorted(item.name for item in items) == [
        "Schädel", "a name that is far too long", "head", "head",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Doe/CT.nrrd", "Adams/CT.nrrd"),
        ("Doe/CT.nrrd", "CT.nrrd"),
        ("CT.nrrd", "CT.nii.gz"),
        ("CT.nrrd", "CT.seg.nrrd"),
    ],
)
@pytest.mark.parametrize("is_removed", [False, True], ids=["added", "instead"])
def test_no_file_ever_has_the_id_that_another_had(tmp_path: Path, before, after, is_removed):
    """The server is started again; a script or a saved scene goes on to ask for its image."""
    (tmp_path / before).parent.mkdir(exist_ok=True)
    write_with_itk(tmp_path / before)
    (known,) = PlainVolumeSource(tmp_path).images()
    (tmp_path / after).parent.mkdir(exist_ok=True)
    write_with_itk(tmp_path / after, VOXELS + 1)
    if is_removed and (tmp_path / before).parent != (tmp_path / after).parent:
        (tmp_path / before).unlink()
    source = PlainVolumeSource(tmp_path)
    if known.id in [item.id for item in source.images()]:
        np.testing.assert_array_equal(source.image(known.id).pixels, VOXELS)


def test_a_long_name_reaches_our_own_client_whole(tmp_path: Path):
    name = "Kopf nativ " * 9 + "Ende"
    write_with_itk(tmp_path / f"{name}.nrrd")
    source = PlainVolumeSource(tmp_path)
    with ServerInThread(source) as server, server.client() as client:
        assert [item.name for item in client.list_images()] == [name]


def test_what_cannot_be_offered_is_named(tmp_path: Path):
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\ntype: nonsense\n")
    (tmp_path / "notes.txt").write_text("not an image, and not named as one")
    (tmp_path / "plan.mrk.json").write_text('{"markups": [{"type": "Line"}]}')
    nibabel.save(
        nibabel.Nifti1Image(np.zeros((2, 2, 2, 5), np.int16), np.eye(4)), tmp_path / "4d.nii"
    )
    SimpleITK.WriteImage(
        SimpleITK.GetImageFromArray(VOXELS.astype(np.int64)), str(tmp_path / "large.nrrd")
    )
    source = PlainVolumeSource(tmp_path)
    assert source.images() == ()
    reasons = dict(source.refused)
    assert sorted(reasons) == ["4d.nii", "broken.nrrd", "large.nrrd", "plan.mrk.json"]
    assert "(2, 2, 2, 5)" in reasons["4d.nii"]
    assert "64-bit signed integer" in reasons["large.nrrd"]
    assert "a line of 0 points" in reasons["plan.mrk.json"]


def test_a_file_that_changed_since_it_was_listed_is_not_sent(tmp_path: Path):
    write_with_itk(tmp_path / "head.nrrd")
    source = PlainVolumeSource(tmp_path)
    version = source.image_version("head")
    write_with_itk(tmp_path / "head.nrrd", np.zeros((7, 8, 9), np.uint8))
    assert source.image_version("head") != version
    with pytest.raises(net.SourceError, match="has changed since it was listed"):
        source.image("head")


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "mha", "nrrd"])
@pytest.mark.parametrize("damage", ["none", "cut off", "one byte is another"])
def test_voxels_that_are_missing_or_damaged_are_not_made_up(tmp_path: Path, ending, damage):
    """ITK fills up a NIfTI file that is being copied with zeros, and says nothing."""
    path = tmp_path / f"a.{ending}"
    voxels = np.random.default_rng(1).integers(0, 1000, (8, 20, 30), np.int16)
    if ending == "mha":
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path), useCompression=True)
    else:
        write_with_itk(path, voxels)
    content = bytearray(path.read_bytes())
    if damage == "cut off":
        path.write_bytes(content[:-1000])
    elif damage != "none" and ending != "nii":  # which has no checksum
        content[-200] ^= 1
        path.write_bytes(content)
    if damage == "none" or (damage != "cut off" and ending in ("nii", "nrrd")):
        assert read_volume(path)[0].shape == voxels.shape
        return
    with pytest.raises(SourceError, match=r"is damaged|is cut off|cannot be read"):
        read_volume(path)


def test_an_unknown_id_and_a_missing_folder_are_named(tmp_path: Path):
    with pytest.raises(net.SourceError, match="there is no image with the ID 'Z'"):
        PlainVolumeSource(tmp_path).image("Z")
    with pytest.raises(net.SourceError, match="there is no folder"):
        PlainVolumeSource(tmp_path / "none")


# Segmentations


def test_a_segmentation_of_slicer_is_a_label_map(tmp_path: Path):
    labels = (VOXELS % 3).astype(np.uint8)
    header = {
        "space": "left-posterior-superior",
        "space directions": np.eye(3),
        "Segment0_ID": "Segment_1",
        "Segment0_LabelValue": "1",
        "Segment0_Name": "Tumor",
        "Segment0_Color": "1 0.5 0",
        "Segment1_ID": "Segment_2",
        "Segment1_LabelValue": "2",
        "Segment1_Name": "Skull",
        "Segment1_Color": "0 0 1",
    }
    nrrd.write(str(tmp_path / "plan.seg.nrrd"), labels, header, index_order="C")
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        assert client.list_images() == []
        items = client.wait(client.ask("LBMETA")).items
        assert [(item.name, item.label, item.rgba) for item in items] == [
            ("Tumor", 1, (255, 128, 0, 255)),
            ("Skull", 2, (0, 0, 255, 255)),
        ]
        np.testing.assert_array_equal(client.get_image(items[0].id).pixels, labels)


# Markups


def test_lines_that_we_write_for_slicer_come_back(tmp_path: Path):
    write_markups(tmp_path / "plan.mrk.json", [TRAJECTORY])
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        (item,) = client.get_trajectories()
    assert item.name == TRAJECTORY.name
    assert item.rgba == TRAJECTORY.rgba
    assert item.entry == pytest.approx(TRAJECTORY.entry)
    assert item.target == pytest.approx(TRAJECTORY.target)
    assert item.diameter == TRAJECTORY.diameter


def test_points_that_slicer_saves(tmp_path: Path):
    slicer = pytest.importorskip("slicer")
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Landmarks")
    for label, position in [("Nasion", (1.0, 90.0, -3.5)), ("Inion", (0.0, -85.0, 2.0))]:
        node.AddControlPoint(position, label)
    storage = slicer.vtkMRMLMarkupsJsonStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "landmarks.mrk.json"))
    assert storage.WriteData(node) == 1
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        items = client.wait(client.ask("POINT")).items
    found = {item.name: item.position for item in items}
    assert found == {"Nasion": (1.0, 90.0, -3.5), "Inion": (0.0, -85.0, 2.0)}
    assert {item.group for item in items} == {"landmarks"}  # Slicer writes no name


def test_a_served_file_is_read_in_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A compressed file of 500 MB takes seconds, in which others are served."""
    write_with_itk(tmp_path / "head.nrrd")
    threads = []

    def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
        threads.append(threading.get_ident())
        return read_volume(path)

    monkeypatch.setattr(plain_volumes, "read_volume", read)
    source = PlainVolumeSource(tmp_path, is_served=True)
    with ServerInThread(source) as server, server.client() as client:
        np.testing.assert_array_equal(client.get_image("head").pixels, VOXELS)
        serving = server.thread_id
    (reading,) = threads
    assert reading not in (serving, threading.get_ident())


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ('space units: "m" "m" "m"', "'m'"),
        ('Space Units: "mm" "mm" "um"', "'um'"),
        ('units: "cm" "cm" "cm"', "'cm'"),
        ('space units: "mm" "mm" "mm"', None),
        ('space units: "" "" "Millimeter"', None),
    ],
)
def test_a_volume_that_is_not_in_mm_is_refused(tmp_path: Path, field: str, unit: str | None):
    """ITK would read it as if it were."""
    header = f"{NRRD}{field}\n\n".encode()
    (tmp_path / "a.nrrd").write_bytes(header + bytes(VOXELS.nbytes))
    source = PlainVolumeSource(tmp_path)
    if unit is None:
        assert [item.id for item in source.images()] == ["a"]
    else:
        assert source.refused == [
            ("a.nrrd", f"its unit is {unit}, and only volumes in mm are read; convert it to mm")
        ]


@pytest.mark.parametrize(
    ("sizes", "spacing", "reason"),
    [
        ("60000 60000 60000", "1", "which its bytes cannot hold"),
        ("2 2 2", "1e38", "its spacing or origin is over a kilometer"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, sizes, spacing, reason):
    """A file of some hundred bytes; the others in the folder are offered."""
    header = (
        f"NRRD0005\ntype: short\ndimension: 3\nsizes: {sizes}\n"
        "space: left-posterior-superior\n"
        f"space directions: ({spacing},0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
        "encoding: raw\nendian: little\n\n"
    )
    (tmp_path / "lie.nrrd").write_bytes(header.encode() + bytes(16))
    source = PlainVolumeSource(tmp_path)
    assert source.images() == ()
    ((name, why),) = source.refused
    assert name == "lie.nrrd"
    assert reason in why


NRRD = (
    "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 24 1 1\nspace: left-posterior-superior\n"
    "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: raw\n"
)
META = "ObjectType = Image\nNDims = 3\nDimSize = 24 1 1\nElementType = MET_UCHAR\n"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("DistanceUnits = um", "its unit is 'um'"),
        ("DistanceUnits = mm", None),
        ("DistanceUnits = ?", None),
        ("ElementToIntensityFunctionSlope = 2", "its ElementToIntensityFunctionSlope is '2'"),
        ("ElementToIntensityFunctionOffset = 0", None),
        (
            "TransformMatrix = 1e50 0 0 0 1e50 0 0 0 1e50",
            "its header makes no sense: its spacing or origin is over a kilometer",
        ),
    ],
)
def test_a_metaimage_that_itk_reads_as_something_else_is_refused(tmp_path, field, reason):
    header = f"{META}BinaryData = True\n{field}\nElementDataFile = LOCAL\n"
    (tmp_path / "a.mha").write_bytes(header.encode() + bytes(24))
    source = PlainVolumeSource(tmp_path)
    assert len(source.images()) == (reason is None)
    assert [why.partition(",")[0] for _, why in source.refused] == [reason] * bool(reason)


_PLACELESS = "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 24 1 1\nspacings: 1 1 1\nencoding: raw\n"
_META_LOCAL = "BinaryData = True\n{}ElementDataFile = LOCAL\n"


@pytest.mark.parametrize(
    ("name", "header", "is_placed"),
    [
        ("a.nrrd", f"{_PLACELESS}\n", False),
        ("a.nrrd", f"{NRRD}\n", True),
        ("a.mha", META + _META_LOCAL.format("ElementSpacing = 1 1 1\n"), False),
        ("a.mha", META + _META_LOCAL.format("ElementSize = 1 1 1\nOffset = 0 0 0\n"), True),
    ],
)
def test_a_volume_of_which_the_file_does_not_say_how_it_lies_says_so(
    tmp_path, name, header, is_placed
):
    (tmp_path / name).write_bytes(header.encode() + bytes(24))
    source = PlainVolumeSource(tmp_path)
    (item,) = source.images()
    assert source.image(item.id).metadata == ({} if is_placed else {"Position": NO_PLACE})


@pytest.mark.parametrize("code", [0, 1])
def test_a_nifti_file_without_a_code_does_not_say_how_it_lies(tmp_path, code):
    image = nibabel.Nifti1Image(VOXELS.T, np.eye(4))
    image.set_qform(np.eye(4), code=code)
    image.set_sform(np.eye(4), code=0)
    nibabel.save(image, tmp_path / "a.nii.gz")
    source = PlainVolumeSource(tmp_path)
    assert source.metadata("a") == ({} if code else {"Position": NO_PLACE})


@pytest.mark.parametrize(
    ("space", "directions", "reason"),
    [
        ("scanner-xyz", "(1,0,0) (0,1,0) (0,0,1)", "its space is 'scanner-xyz'"),
        ("3D-left-handed", "(1,0,0) (0,1,0) (0,0,1)", "its space is '3D-left-handed'"),
        ("LPS", "(1,0,0) (2,0,0) (0,0,1)", "its header makes no sense: its axes lie in one plane"),
    ],
)
def test_a_volume_that_has_no_place_in_the_patient_is_refused(tmp_path, space, directions, reason):
    header = NRRD.replace("left-posterior-superior", space)
    header = header.replace("(1,0,0) (0,1,0) (0,0,1)", directions)
    (tmp_path / "a.nrrd").write_bytes(f"{header}\n".encode() + bytes(24))
    ((_, why),) = PlainVolumeSource(tmp_path).refused
    assert why.startswith(reason)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.nrrd", f"{NRRD}data file: {{secret}}\n\n"),
        ("a.nhdr", f"{NRRD}DATA FILE: ../secret.txt\n\n"),
        ("a.nhdr", f"{NRRD}data file: LIST\n../secret.txt\n"),
        ("a.nhdr", f"{NRRD}data file: link.raw\n\n"),
        (".nhdr", f"{NRRD}data file: {{secret}}\n\n"),
        (".mhd", f"{META}ElementDataFile = {{secret}}\n"),
        ("a.mhd", f"{META}ElementDataFile = {{secret}}\n"),
        ("a.mha", f"{META}ElementDataFile : ../secret.txt\n"),
        ("a.mhd", f"{META}ElementDataFile = LIST\n../secret.txt\n"),
        (
            "a.mha",
            f"{META}Comment = ElementDataFile = LOCAL\nElementDataFile = {{secret}}\n",
        ),
        ("a.mhd", f"{META}{'Comment = long' * 40000}\nElementDataFile = {{secret}}\n"),
        ("a.mhd", f"{META}ElementDataFile = /dev/zero\n"),
        ("a.mhd", f"{META}ElementDataFile = pipe\n"),
        # Files of these names are there, but readers take them for lists, or for patterns.
        ("a.nhdr", f"{NRRD}data file: LIST 2\n../secret.txt\n"),
        ("a.mhd", f"{META}ElementDataFile = LIST 2\n../secret.txt\n"),
        ("a.mhd", f"{META}ElementDataFile = s%d.raw 1 1 1\n"),
        (
            "a.nhdr",
            f"{NRRD}# data file: s1.raw\n{'# long' * 200_000}\ndata file: ../secret.txt\n\n",
        ),
    ],
)
def test_a_header_that_names_another_file_of_the_computer_is_refused(tmp_path, name, header):
    """What somebody puts into the folder must not make an image of what else is on the disk."""
    folder, secret = tmp_path / "served", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_bytes(b"a secret that nobody gets")
    (folder / "link.raw").symlink_to(secret)
    os.mkfifo(folder / "pipe")
    for beside in ("LIST 2", "s%d.raw 1 1 1", "s1.raw"):
        (folder / beside).write_bytes(bytes(24))
    (folder / name).write_text(header.format(secret=secret))
    source = PlainVolumeSource(folder)
    assert source.images() == ()
    assert [refused for refused, _ in source.refused] == [name]


def test_voxels_that_change_beside_their_header_are_not_sent(tmp_path: Path):
    write_with_itk(tmp_path / "head.mhd")
    source = PlainVolumeSource(tmp_path)
    np.testing.assert_array_equal(source.image("head").pixels, VOXELS)
    (tmp_path / "head.raw").write_bytes(VOXELS.tobytes() + b"more")
    with pytest.raises(net.SourceError, match="has changed since it was listed"):
        source.image("head")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    for name in ("pipe.nrrd", "pipe.mrk.json"):
        os.mkfifo(tmp_path / name)
    assert [name for name, _ in PlainVolumeSource(tmp_path).refused] == [
        "pipe.mrk.json",
        "pipe.nrrd",
    ]


BAD_MARKUPS = {
    "nested": "[" * 100_000,
    "huge": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1e39, 0, 0]}]}]}',
    "long": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1%s, 0, 0]}]}]}'
    % ("0" * 400),
    "nan": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [NaN, 0, 0]}]}]}',
    "system": '{"markups": [{"type": "Fiducial", "coordinateSystem": "XYZ", "controlPoints": '
    '[{"position": [1, 2, 3]}]}]}',
    "units": '{"markups": [{"type": "Fiducial", "coordinateUnits": "um", "controlPoints": '
    '[{"position": [1, 2, 3]}]}]}',
}


def test_markups_that_make_no_sense_are_refused_and_the_others_served(tmp_path: Path):
    write_markups(tmp_path / "plan.mrk.json", [TRAJECTORY])
    for name, text in BAD_MARKUPS.items():
        (tmp_path / f"{name}.mrk.json").write_text(text)
    source = PlainVolumeSource(tmp_path)
    assert [item.name for item in source.trajectories()] == [TRAJECTORY.name]
    assert not source.points()
    assert {name for name, _ in source.refused} == {f"{name}.mrk.json" for name in BAD_MARKUPS}


@pytest.mark.parametrize(
    ("field", "value"),
    [("LabelValue", "abc"), ("LabelValue", "9" * 5000), ("Color", "nan 0 0"), ("Color", "1 0")],
)
def test_a_segmentation_whose_segments_make_no_sense_is_refused(tmp_path: Path, field, value):
    labels = SimpleITK.GetImageFromArray(np.ones((2, 3, 4), np.uint8))
    labels.SetMetaData("Segment0_ID", "1")
    labels.SetMetaData(f"Segment0_{field}", value)
    SimpleITK.WriteImage(labels, str(tmp_path / "bad.seg.nrrd"))
    source = PlainVolumeSource(tmp_path)
    assert not source.label_maps()
    ((_, reason),) = source.refused
    assert reason.startswith("its segments cannot be read")
    assert len(reason) < 200


def test_colors_beyond_the_brightest_can_be_sent(tmp_path: Path):
    labels = SimpleITK.GetImageFromArray(np.ones((2, 3, 4), np.uint8))
    labels.SetMetaData("Segment0_ID", "1")
    labels.SetMetaData("Segment0_Color", "5 0.5 -1")
    SimpleITK.WriteImage(labels, str(tmp_path / "bright.seg.nrrd"))
    (item,) = PlainVolumeSource(tmp_path).label_maps()
    assert item.rgba == (255, 128, 0, 255)
    assert codec.pack(codec.LabelMetaMessage(items=[item]))
