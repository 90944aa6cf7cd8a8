"""The DICOM documents that trajectories came from, and what there is to know of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .. import codec
from ..net.list_metadata.notices import documents_of_items, notice_of_list, notices_of_documents
from ..scene.markups.trajectory import Trajectory


class TrajectoryDocuments:
    """Those of the server at ``address``, by their SOPInstanceUIDs.

    A trajectory is in its document as long as it is what was listed.
    """

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.notice_of_list = ""
        self._documents: dict[Trajectory, tuple[codec.TrajectoryItem, str]] = {}
        self._stored: dict[Trajectory, codec.TrajectoryItem] = {}
        self._notices: dict[str, str] = {}

    @classmethod
    def of_answer(
        cls, address: str, message: codec.TrajectoryMessage, listed: Sequence[Trajectory]
    ) -> TrajectoryDocuments:
        """Return what an answer says; ``listed`` are its trajectories, in their order."""
        found = cls(address)
        uids = documents_of_items(message)
        current = [one for one in listed if not one.is_gone]  # of too many, the first
        for one, uid in zip(current, uids, strict=False):
            found._documents[one] = one.item, uid
        found._notices = notices_of_documents(message.metadata)
        found.notice_of_list = notice_of_list(message.metadata)
        return found

    def document_of(self, trajectory: Trajectory) -> str:
        """Return the document that a trajectory came from, or an empty text."""
        item, uid = self._documents.get(trajectory, (None, ""))
        return uid if item == trajectory.item else ""

    def by_document(self, trajectories: Iterable[Trajectory]) -> dict[str, list[Trajectory]]:
        """Return those of these trajectories that came from documents, by these."""
        found = dict[str, list[Trajectory]]()
        for one, uid in self._documented(trajectories):
            found.setdefault(uid, []).append(one)
        return found

    def notice_of(self, trajectory: Trajectory) -> str:
        """Return what there is to know of the document of a trajectory, or an empty text."""
        return self._notices.get(self.document_of(trajectory), "") if self._notices else ""

    def notices(self, trajectories: Iterable[Trajectory]) -> list[str]:
        """Return what there is to know of the documents that trajectories came from."""
        if not self._notices:  # of a hundred thousand trajectories
            return []
        uids = dict.fromkeys(uid for _, uid in self._documented(trajectories))
        return [self._notices[uid] for uid in uids if uid in self._notices]

    def stored_item(self, trajectory: Trajectory) -> codec.TrajectoryItem:
        """Return what the archive has of a trajectory: not as listed, if it was stored since."""
        return self._stored.get(trajectory, trajectory.item)

    def replace(
        self, document: str, successor: str, stored: Mapping[Trajectory, codec.TrajectoryItem]
    ) -> None:
        """Know which document has taken the place of another, and what it has of the listed."""
        self._documents = {
            one: known for one, known in self._documents.items() if known[1] != document
        }
        for one, item in stored.items():
            self.add(successor, one)
            self._stored[one] = item
        if document in self._notices:  # what has replaced the same as that, is still there
            self._notices[successor] = self._notices[document]

    def add(self, document: str, trajectory: Trajectory) -> None:
        """Know that a trajectory is in a document, too, as it is now."""
        self._documents[trajectory] = trajectory.item, document

    def _documented(self, trajectories: Iterable[Trajectory]) -> Iterator[tuple[Trajectory, str]]:
        for one in trajectories if self._documents else ():
            if uid := self.document_of(one):
                yield one, uid
