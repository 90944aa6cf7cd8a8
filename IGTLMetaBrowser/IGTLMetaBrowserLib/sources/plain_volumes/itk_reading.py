"""Reads volumes with ITK, as a program of its own, which ``itk_process`` starts.

ITK is C++: a file that is made for it can end the process, keep it busy for ever, or have it take
all memory; and a compressed file can inflate to terabytes. So this is a child of the one that
serves, and limits itself: it ends if a file takes too long, and on Linux has no more memory than a
file needs.

Each line that it reads is a ``Request`` (JSON); it answers with a line: a ``VolumeHeader``, or
``{"error": words}``. If voxels were asked for, they follow, in the byte order of the machine.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .not_finite import with_not_finite
from .text_voxels import check_text
from .whole_voxels import (
    ADVICE,
    VoxelsError,
    check_checksum,
    check_voxels,
    is_nifti_2,
    nifti_begin,
)

# What it takes to read a header, or beside the voxels: libraries, and texts of up to 1 MiB.
_MEMORY = 1 << 30
# ITK and what it reads NRRD by have one copy each, and another if they change its order.
_COPIES = 3
_PLACE = re.compile(r"(ITK ERROR: )?\w*\(0x[0-9a-fA-F]+\): ")
# ITK 5.4 says of it that it is no NIfTI. nibabel, which has the command, is there.
_NIFTI_2 = (
    "it is NIfTI-2, which ITK does not read; convert it: "
    "nib-convert --image-type Nifti1Image OLD.nii NEW.nii"
)
_STRUCTURES = "Segment"  # what the texts are needed of (Slicer's vtkMRMLSegmentationStorageNode)


class Request(NamedTuple):
    """Which file to read by which reader of ITK, in at most how many seconds.

    Only its header if ``voxel_bytes`` is 0; else that is how many bytes its voxels have.
    """

    path: str
    image_io: str
    seconds: float
    voxel_bytes: int = 0


class VolumeHeader(NamedTuple):
    """What ITK reads in the header of a file: size (i, j, k), places and lengths in mm, LPS.

    ``direction`` is a matrix, row by row; ``voxel`` is SimpleITK's name of the type.
    ``texts`` are those of a segmentation; ``nifti`` is the beginning of a NIfTI file, with its
    header, in hexadecimal numbers.
    """

    size: list[int]
    spacing: list[float]
    origin: list[float]
    direction: list[float]
    voxel: str
    components: int
    texts: dict[str, str]
    nifti: str


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    _go_first()
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    _load()
    for line in requests:
        request = Request(*json.loads(line))
        _limit_memory(request.voxel_bytes)
        # By a thread in C: it also ends this process while ITK has Python's lock.
        faulthandler.dump_traceback_later(request.seconds, exit=True)
        _answer(request, answers)
        answers.flush()
        faulthandler.cancel_dump_traceback_later()


def _load() -> None:
    """Load the libraries, so that what they take is known before memory is limited."""
    import numpy as np
    import SimpleITK

    assert np  # SimpleITK loads it when it needs it
    # Each thread would take its part of the memory, and files are read by one.
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def _answer(request: Request, answers: BinaryIO) -> None:
    import SimpleITK

    path, size = Path(request.path), request.voxel_bytes
    image = voxels = None
    try:
        # Before ITK reads them: MetaIO would read some damaged files for ever.
        checksum = check_voxels(path, size) if size else None
        header, image = _read(request)
        if image is not None:
            voxels = SimpleITK.GetArrayViewFromImage(image)  # of its memory, which it does not keep
            check_checksum(voxels, checksum)
            check_text(path, voxels)
            voxels = with_not_finite(path, voxels)
        answer: Any = header._asdict()
    except MemoryError:
        answer = {"error": "it takes too much memory"}
    except VoxelsError as error:
        answer = {"error": str(error)}
    except RuntimeError as error:
        answer = {"error": _words(error, path, is_whole=size > 0)}
    answers.write(json.dumps(answer).encode() + b"\n")
    if "error" not in answer and voxels is not None:
        answers.write(memoryview(voxels).cast("B"))


def _read(request: Request) -> tuple[VolumeHeader, Any]:
    """Return the header, and SimpleITK's image if voxels are asked for.

    Raises as SimpleITK, and ``VoxelsError``.
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO(request.image_io)
    reader.SetFileName(request.path)
    reader.ReadImageInformation()
    # SimpleITK does not find keys by what it has read of them if that is not UTF-8.
    keys = [key for key in reader.GetMetaDataKeys() if key.isascii()]
    texts = {key: reader.GetMetaData(key) for key in keys if key.startswith(_STRUCTURES)}
    nifti = nifti_begin(Path(request.path)).hex()
    if not request.voxel_bytes:
        return _header_of(reader, reader.GetNumberOfComponents(), texts, nifti), None
    image = reader.Execute()
    if SimpleITK.GetArrayViewFromImage(image).nbytes != request.voxel_bytes:
        raise VoxelsError("it changes while it is read; wait until that is done")
    return _header_of(image, image.GetNumberOfComponentsPerPixel(), texts, nifti), image


def _header_of(image: Any, components: int, texts: dict[str, str], nifti: str) -> VolumeHeader:
    import SimpleITK

    return VolumeHeader(
        size=[*image.GetSize()],
        spacing=[*image.GetSpacing()],
        origin=[*image.GetOrigin()],
        direction=[*image.GetDirection()],
        voxel=SimpleITK.GetPixelIDValueAsString(image.GetPixelID()),
        components=components,
        texts=texts,
        nifti=nifti,
    )


def _words(error: RuntimeError, path: Path, is_whole: bool) -> str:
    """Return why a file is not read, as a whole or its header, and what to try."""
    if is_nifti_2(path):
        return _NIFTI_2
    reason = _reason(error, path)
    # Its header was read before: ITK says of what is cut off what it has counted, or nothing.
    return f"its voxels are missing or damaged ({reason}); {ADVICE}" if is_whole else reason


def _reason(error: RuntimeError, path: Path) -> str:
    """Return the last line of what ITK says, which has the reason, without the place in ITK.

    Nor in memory, nor of the file: clients are told of it.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if line != "Reason: Success"]  # MetaIO's, of what is cut off
    if not lines:
        return "ITK does not say why"
    return _PLACE.sub("", lines[-1]).replace(str(path), path.name)


def _go_first() -> None:
    """Have the system, when memory runs out, end this process and not the one that serves."""
    with contextlib.suppress(OSError):  # of other systems than Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


def _limit_memory(voxel_bytes: int) -> None:
    """Let this process take so much more than it has now; only where /proc says how much that is.

    macOS does not keep to such limits; Windows has none that the standard library can set.
    """
    with contextlib.suppress(ImportError, OSError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _MEMORY + _COPIES * voxel_bytes
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main()
