"""What a server offers."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ..codec import (
    ColorTableMessage,
    ImageMessage,
    ImageMetaItem,
    LabelMetaItem,
    Message,
    PointItem,
    ThumbnailMessage,
    TrajectoryItem,
)


class SourceError(Exception):
    """A source does not have an image, or cannot read it; the text says why."""


class NotReadyError(Exception):
    """A source is not done with an image: ask for it again, after so many seconds.

    0 is for a source that works on the image while it is asked, and so goes on at once; one that
    waits for another process says how long, and nobody spins meanwhile.
    """

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__(f"not ready; ask again after {retry_after:g} s")
        self.retry_after = retry_after


class Source(Protocol):
    """Images and trajectories, from wherever they come.

    A source that offers more has the methods of the classes below, too.
    """

    def images(self) -> Sequence[ImageMetaItem]:
        """Return the list of images; their ids are unique and have at most 20 bytes.

        A source whose list stays the same returns the same tuple each time: the server then packs
        it once.

        One that has to ask elsewhere may raise ``NotReadyError``, or ``SourceError``.

        Texts that are longer than their fields are cut by the server (``whole_texts``).
        """
        ...

    def image(self, image_id: str) -> ImageMessage:
        """Return one image of the list. Raises ``SourceError``.

        One that takes long to make may raise ``NotReadyError`` every few milliseconds: the server
        lets others have their turn, and then asks again.
        """
        ...

    def trajectories(self) -> Sequence[TrajectoryItem]:
        """Return the trajectories; their points are in RAS mm."""
        ...


@runtime_checkable
class OffersImageVersions(Protocol):
    """A source that can tell whether an image is still the one that it was.

    The server then keeps its bytes, and sends them to the next who asks without asking for it.
    """

    def image_version(self, image_id: str) -> Hashable:
        """Return a value that is another after each change of the image. Raises ``SourceError``."""
        ...


@runtime_checkable
class OffersStreams(OffersImageVersions, Protocol):
    """A source whose images change while it is served, and that tells so at no cost.

    ``seconds_between_images`` is how often an image is sent at most, to whom has asked for all its
    changes (STT_IMAGE).
    """

    seconds_between_images: float


@runtime_checkable
class OffersMetadata(Protocol):
    """A source that knows more of an image than fits into the listing."""

    def metadata(self, image_id: str) -> Mapping[str, str]:
        """Return what goes into the metadata of version-2 messages. Raises ``SourceError``.

        Under ``Modality`` what the list says, too: thumbnails are made by that.
        """
        ...


@runtime_checkable
class OffersSearch(Protocol):
    """A source with more images than one list has room for, such as an archive."""

    search_keywords: Collection[str]
    """The DICOM attributes by which it can be searched."""

    def search(self, attributes: Mapping[str, str]) -> tuple[Sequence[ImageMetaItem], str]:
        """Return the images with these attributes, and what there is to know of the list.

        Values are as in QIDO (PS3.18 8.3.4.1): with wild cards, dates as ranges; without any, it is
        the list of ``Source.images``. Raises as that does.
        """
        ...


@runtime_checkable
class AsksElsewhere(Protocol):
    """A source whose lists are those of somebody else, such as an archive."""

    def require_lists_since(self, since: float, image_id: str = "") -> None:
        """Answer the next question by lists that were asked for since, in ``time.monotonic`` s.

        It is called before each turn of a question. What is known is enough for 0, and if the
        question is for one image that is, ``image_id``.
        """
        ...


@runtime_checkable
class OffersDocuments(Protocol):
    """A source whose trajectories are in DICOM documents."""

    def documents_of_trajectories(self) -> Sequence[str]:
        """Return the SOPInstanceUID of the document of each of ``Source.trajectories``.

        Empty if one is in none; nothing at all if none is in any.
        """
        ...

    def notices_of_documents(self) -> Mapping[str, str]:
        """Return what there is to know of some of these documents, by their SOPInstanceUIDs."""
        ...


@runtime_checkable
class TellsOfMissing(Protocol):
    """A source that may not have the trajectories or label maps of all patients."""

    def notice_of_missing(self, data_type: str) -> str:
        """Return what there is to know of what the last list of TRAJ or LBMETA does not have."""
        ...


@runtime_checkable
class OffersLabelMaps(Protocol):
    """A source of label maps; their images are got by ``Source.image``, under their own ids."""

    def label_maps(self) -> Sequence[LabelMetaItem]:
        """Return the list of structures; several may be in one label map, under one id."""
        ...


@runtime_checkable
class OffersColorTables(Protocol):
    """A source that knows in what colors its images are shown."""

    def color_table(self, image_id: str) -> ColorTableMessage:
        """Return the color table of an image. Raises ``SourceError``."""
        ...


@runtime_checkable
class OffersPoints(Protocol):
    """A source of landmarks."""

    def points(self) -> Sequence[PointItem]:
        """Return the points; their positions are in RAS mm."""
        ...


@runtime_checkable
class KeepsThumbnails(Protocol):
    """A source that keeps the thumbnails of its images, from one run of the server to the next."""

    def kept_thumbnail(self, image_id: str) -> ThumbnailMessage | None:
        """Return the thumbnail of an image as it is now; None if it is to be made of the image.

        Raises ``SourceError`` if that takes too much for a thumbnail.
        """
        ...

    def keep_thumbnail(self, image_id: str, thumbnail: ThumbnailMessage) -> None:
        """Keep the thumbnail of the image as it is now."""
        ...


@runtime_checkable
class HasToBeClosed(Protocol):
    """A source that reads, decodes or fetches beside the server: that has to end with it."""

    def close(self) -> None:
        """End what is going on, whatever it waits for."""
        ...


@runtime_checkable
class TakesMessages(Protocol):
    """A source that is told what clients send unasked, such as trajectories."""

    def receive(self, message: Message) -> None:
        """Handle a message that is no query. Raises ``SourceError`` if it is not wanted."""
        ...
