"""A folder of NRRD, NIfTI and MetaImage files, served: the list, and the voxels."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from helpers.peers import ServerInThread
from helpers.volume_files import OBLIQUE, VOXELS, write_with_itk
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.cli.nrrd_file import write_nrrd
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.plain_volumes import folder as plain_volumes
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.plain_volumes.volume_file import read_volume


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


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
@pytest.mark.parametrize("is_compressed", [True, False])
def test_of_a_file_that_is_cut_off_it_is_said_what_to_try(tmp_path: Path, ending, is_compressed):
    """ITK says that "File cannot be read", or how many voxels some function of C has got."""
    path = tmp_path / f"a.{ending}"
    voxels = np.random.default_rng(1).integers(0, 1000, (8, 20, 30), np.int16)
    image = SimpleITK.GetImageFromArray(voxels)
    SimpleITK.WriteImage(image, str(path), useCompression=is_compressed)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(SourceError, match=r"(damaged|cut off).*; copy it again, or wait") as raised:
        read_volume(path)
    assert str(tmp_path) not in str(raised.value)


def test_an_unknown_id_and_a_missing_folder_are_named(tmp_path: Path):
    with pytest.raises(net.SourceError, match="there is no image with the ID 'Z'"):
        PlainVolumeSource(tmp_path).image("Z")
    with pytest.raises(net.SourceError, match=r"there is no folder .*; check the path"):
        PlainVolumeSource(tmp_path / "none")
    (tmp_path / "a.txt").touch()
    with pytest.raises(net.SourceError, match="is a file; give the folder it is in"):
        PlainVolumeSource(tmp_path / "a.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folders_that_may_not_be_read_are_named(tmp_path: Path):
    """Nothing would be listed of them, as if nothing were in them."""
    write_with_itk(tmp_path / "a" / "head.nrrd")
    (tmp_path / "a").chmod(0)
    assert PlainVolumeSource(tmp_path).refused == [
        ("a", "its files cannot be listed: Permission denied")
    ]
    with pytest.raises(net.SourceError, match="cannot be listed: Permission denied; check who"):
        PlainVolumeSource(tmp_path / "a")
    (tmp_path / "a").chmod(0o700)


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


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    for name in ("pipe.nrrd", "pipe.mrk.json"):
        os.mkfifo(tmp_path / name)
    assert [name for name, _ in PlainVolumeSource(tmp_path).refused] == [
        "pipe.mrk.json",
        "pipe.nrrd",
    ]
