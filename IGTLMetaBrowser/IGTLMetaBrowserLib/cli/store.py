"""``igtlmeta store``: a plan or a label map as a DICOM document, into an archive or a folder."""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import codec
from ..dicom_index.headers.limited_file import open_limited
from ..dicom_index.headers.whole_dataset import read_whole
from ..metadata.image_modules import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from ..net.source import SourceError
from ..optional_packages import is_usable, pip_command
from ..regular_file import is_readable_pipe
from ..sources.archive.archive import Archive
from ..sources.dicom.fields import image_id, volume_id
from ..sources.dicom.replaced_documents import document_version, replaced_by
from ..sources.documents.label_document import replace_segments, write_segmentation
from ..sources.documents.label_file import ENDING, LabelMapToStore, read_label_file
from ..sources.documents.patient_and_study import left_empty
from ..sources.documents.plan_document import check_images, frame_count, write_plan
from ..sources.documents.predecessor import DocumentsOfStudy
from ..sources.plain_volumes.volume_file import read_label_map
from ..sources.trajectory_file import read_trajectories
from ..system_errors import why_not_written, with_advice
from ..whole_file import replaced_at_end
from . import archive_options
from .output import complain, note, print_path
from .parser import add_command, path_of
from .store_images import images_in_folder, images_of_series, without_copies

if TYPE_CHECKING:
    from pydicom import Dataset


_UID = re.compile(r"[0-9.]{1,64}")
_NUMBERS = re.compile(r"[0-9]{1,5}(,[0-9]{1,5})*")

_ABOUT = "Store a plan (as Comprehensive 3D SR) or a label map (as Segmentation)."


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = (
        "(PLAN.json | LABELS.nrrd | LABELS.npz) (--images DIR | --series UID) "
        "(-o DIR | --dicomweb URL | --dicom AET@HOST:PORT) [options]"
    )
    parser = add_command(commands, "store", _ABOUT, store, usage, (SourceError,))
    parser.add_argument(
        "plan",
        metavar="FILE",
        type=path_of,
        help="as igtlmeta trajectories --json prints it; or a label map on the images' grid",
    )
    parser.add_argument(
        "--images", metavar="DIR", type=path_of, help="the DICOM files of the images it was made in"
    )
    parser.add_argument("--series", metavar="UID", help="or their series in the archive")
    parser.add_argument(
        "--replaces",
        metavar="(FILE.dcm | UID)",
        help="the document that this one replaces; or its SOP instance UID in the archive",
    )
    parser.add_argument(
        "--segment",
        metavar="NUMBER",
        type=_numbers,
        default=[],
        help="replace only this segment of that document (or these: 2,3): the others are taken "
        "over, also if some of them were replaced meanwhile; prints which numbers it has now",
    )
    parser.add_argument(
        "--empty",
        action="store_true",
        help="the plan has no trajectories: nothing of what it replaces is planned any more",
    )
    parser.add_argument("-o", dest="output", metavar="DIR", type=path_of, help="a folder for it")
    archive_options.add_address_options(parser.add_argument_group("archive (PACS)"))


def store(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta store``."""
    _check_usage(arguments)
    # Before all images are read.
    if not (arguments.plan.is_file() or is_readable_pipe(arguments.plan)):
        raise SourceError(f"there is no file {arguments.plan}; check the path")
    _require_packages()
    if not archive_options.is_given(arguments):
        images = _checked(images_in_folder(arguments.images))
        return _store_in_folder(arguments.output, images, *_document(arguments, images, None))
    archive = archive_options.open_archive(arguments)
    images = _checked(
        images_of_series(archive, arguments.series)
        if arguments.series
        else images_in_folder(arguments.images)
    )
    modality = "SR" if _is_plan(arguments) else "SEG"
    known = DocumentsOfStudy(archive, images, modality) if arguments.replaces else None
    return _store_in_archive(archive, known, images, *_document(arguments, images, known))


def _check_usage(arguments: argparse.Namespace) -> None:
    """End with what is wrong, if options do not go together."""
    is_archive = archive_options.is_given(arguments)
    if bool(arguments.output) == is_archive:
        arguments.usage_error("say where to store it: -o DIR, --dicomweb or --dicom")
    if bool(arguments.images) == bool(arguments.series) or (arguments.series and not is_archive):
        arguments.usage_error("name the images: --images DIR, or --series UID of the archive")
    if arguments.segment and (not arguments.replaces or _is_plan(arguments)):
        arguments.usage_error("--segment is of a label map, and of a document: --replaces")
    if arguments.empty and (not arguments.replaces or not _is_plan(arguments)):
        arguments.usage_error("--empty is of a plan that takes the place of another: --replaces")


def _store_in_folder(
    folder: Path, images: list[Dataset], document: Dataset, numbers: list[int]
) -> int:
    path = folder / f"{document.SOPInstanceUID}.dcm"
    content = _file_of(document)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_at_end(path) as part:
            part.write_bytes(content)
    except OSError as error:
        return complain(why_not_written(error, path))
    if words := _words_for_left_empty(document, images):
        note(words)
    _print(path, numbers)
    return 0


def _store_in_archive(
    archive: Archive,
    known: DocumentsOfStudy | None,
    images: list[Dataset],
    document: Dataset,
    numbers: list[int],
) -> int:
    words = _stored(archive, known, document, _file_of(document))
    note("; ".join(filter(None, (words, _words_for_left_empty(document, images)))))
    _print(document.SOPInstanceUID, numbers)
    return 0


def _words_for_left_empty(document: Dataset, images: list[Dataset]) -> str:
    keywords = left_empty(document, images)
    if not keywords:
        return ""
    return (
        f"the document has no {' and no '.join(keywords)}: what the images say there is no valid "
        "value"
    )


def _checked(images: list[Dataset]) -> list[Dataset]:
    """Return images that say what they are, each once: all else takes that for granted."""
    images = without_copies(images)
    check_images(images)
    return images


def _file_of(document: Dataset) -> bytes:
    """Return a document as a file (PS3.10), which says that this software wrote it."""
    document.file_meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    document.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    content = io.BytesIO()
    document.save_as(content, enforce_file_format=True)
    return content.getvalue()


def _require_packages() -> None:
    """Raise ``SourceError`` if there is nothing to write documents with."""
    if not (is_usable("highdicom") and is_usable("pydicom")):
        raise SourceError(
            "Storing needs highdicom and pydicom, which this Python does not have, or too old. "
            f"Install them: {pip_command('highdicom', 'pydicom')}"
        )


def _stored(
    archive: Archive, known: DocumentsOfStudy | None, document: Dataset, content: bytes
) -> str:
    """Store a document, and return words for that.

    Who replaces the same document at the same moment is seen by one of both at least: each looks
    what is there after its own is. Raises ``SourceError``, also if it was replaced before.
    """
    for uid in replaced_by(document) if known is not None else ():
        known.check_valid(uid)
    try:
        archive.store([content])
    except SourceError as error:
        _require_stored(archive, document, error)
    words = f"stored in {archive.name}"
    try:
        rivals = known.rivals(document) if known is not None else ()
    except SourceError as error:
        return f"{words}; whether somebody has replaced the same meanwhile, is not known: {error}"
    if not rivals:
        return words
    versions = map(document_version, rivals)
    others = ", ".join(f"{version.uid}, {version.origin}" for version in versions)
    return (
        f"{words}, but so was another document ({others}) in the place of the same one, at the "
        "same moment: both are valid; get what there is now, decide which counts, and remove the "
        "other"
    )


def _require_stored(archive: Archive, document: Dataset, error: SourceError) -> None:
    """Raise an error of storing a document, unless it was stored: only its answer is lost then.

    Who stored it once more would have two that are valid.
    """
    uid = str(document.SeriesInstanceUID)  # it is alone in it
    query = {"StudyInstanceUID": str(document.StudyInstanceUID), "SeriesInstanceUID": uid}
    try:
        is_there = any(one.uid == uid for one in archive.find(query, 2))
    except SourceError:
        raise SourceError(
            f"{error}; whether it was stored all the same is not known: look before you store it "
            "again"
        ) from error
    if not is_there:
        raise error


def _print(document: Path | str, numbers: list[int]) -> None:
    """Print which document it is, and which of its segments have replaced others, if any."""
    if isinstance(document, Path):
        print_path(document)
    else:
        print(document)
    if numbers:
        print(",".join(map(str, numbers)))


def _numbers(text: str) -> list[int]:
    if not _NUMBERS.fullmatch(text):
        words = f"{text!r} is no number of a segment; give one, or several as in 2,3"
        raise argparse.ArgumentTypeError(words)
    return [int(number) for number in text.split(",")]


def _document(
    arguments: argparse.Namespace, images: list[Dataset], known: DocumentsOfStudy | None
) -> tuple[Dataset, list[int]]:
    """Return the document, and the numbers of the segments that have replaced others in it."""
    is_plan, replaces = _is_plan(arguments), arguments.replaces
    if is_plan:
        trajectories = read_trajectories(arguments.plan, may_be_pipe=True)
        if trajectories and arguments.empty:
            raise SourceError(f"{arguments.plan} has trajectories, and --empty says it has none")
        if not trajectories and not arguments.empty:
            raise SourceError(
                f"{arguments.plan} has no trajectories; if nothing of the plan that it replaces is "
                "planned any more, say so: --empty"
            )
        images, frame_number = _with_owner_first(trajectories, images)
        predecessor = _predecessor(replaces, known)
        return write_plan(trajectories, images, predecessor, frame_number), []
    labels = _labels(arguments.plan)
    if arguments.segment and known is not None and _UID.fullmatch(replaces):
        before, latest = known.with_latest(replaces)
        changed = None if before is latest else before
        return replace_segments(labels, images, latest, arguments.segment, changed)
    predecessor = _predecessor(replaces, known)
    if arguments.segment:
        assert predecessor is not None  # the options are checked
        return replace_segments(labels, images, predecessor, arguments.segment)
    return write_segmentation(labels, images, predecessor), []


def _is_plan(arguments: argparse.Namespace) -> bool:
    """Label maps are told by their names, which pipes have not, and are not read through them."""
    return arguments.plan.suffix.lower() == ".json" or is_readable_pipe(arguments.plan)


def _labels(path: Path) -> LabelMapToStore:
    return read_label_file(path) if path.suffix.lower() == ENDING else read_label_map(path)


def _predecessor(text: str | None, known: DocumentsOfStudy | None) -> Dataset | None:
    if text is None:
        return None
    if known is not None and _UID.fullmatch(text):
        return known.predecessor(text)
    try:
        with open_limited(Path(text)) as file:
            return read_whole(file)
    except Exception as error:  # a broken file raises anything
        reason = with_advice(error, "check --replaces")
        words = f"{text} cannot be read as a DICOM document: {reason}"
        raise SourceError(words) from error


def _with_owner_first(
    trajectories: list[codec.TrajectoryItem], images: list[Dataset]
) -> tuple[list[Dataset], int]:
    """Return the images in the order in which a document names them: first, where it was planned.

    Second is the number of the frame, from 1, with which the volume begins in that image, if it is
    a multi-frame one that is several volumes; else 0. Raises ``SourceError`` if a trajectory was
    planned in other images than these.
    """
    series = str(images[0].SeriesInstanceUID)
    # Of a series that is several volumes, as a 4D one, each has the id of its first frame.
    firsts = {
        volume_id(series, str(image.SOPInstanceUID), frame): (image, frame)
        for image in images
        for frame in range(frame_count(image))
    }
    allowed = {"", series, image_id(series), *firsts}
    for item in trajectories:
        if item.owner not in allowed:
            raise SourceError(
                f"the trajectory {item.name!r} was planned in the image {item.owner}, "
                f"not in {image_id(series)}; name the images of that"
            )
    owners = (firsts[one.owner] for one in trajectories if one.owner in firsts)
    first, frame = next(owners, (images[0], -1))
    ordered = [first, *(image for image in images if image is not first)]
    return ordered, frame + 1 if frame_count(first) > 1 else 0
