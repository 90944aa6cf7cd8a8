"""The trajectories of a server: asking for them, showing them, sending some."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from .. import codec, net
from ..scene.markups.trajectory import Trajectory
from ..scene.markups.trajectory_nodes import TrajectoryNodes
from ..scene.markups.trajectory_set import TrajectorySet
from ..scene.rendering import views_paused
from ..scene.server_nodes.attributes import SERVER_ATTRIBUTE
from .connection import ServerConnection
from .events import Observer, TrajectoriesChanged, TrajectoriesSent, TrajectoriesShown
from .trajectory_documents import TrajectoryDocuments


class Trajectories:
    """The trajectories of the server of ``connection``. ``nodes`` are those of all servers.

    Markups take long to make, so ``work`` brings some of them into the scene in each turn.
    """

    def __init__(
        self, connection: ServerConnection, nodes: TrajectoryNodes, notify: Observer
    ) -> None:
        self._connection = connection
        self._nodes = nodes
        self._notify = notify
        self._documents = TrajectoryDocuments()

    # What is known

    @property
    def markups(self) -> TrajectorySet:
        """The trajectories of this server, and which markups show them."""
        return self._nodes.of(self._connection.address)

    @property
    def nodes(self) -> list[Any]:
        """The markups nodes of the last answer's trajectories, in its order."""
        self._nodes.catch_up()
        return self.markups.nodes

    def node(self, trajectory: Trajectory) -> Any:
        """Return the markups node of a trajectory, or None if it is not in the scene."""
        self.markups.catch_up(trajectory)
        return self.markups.node(trajectory)

    def document_of(self, node: Any) -> str:
        """Return the SOPInstanceUID of the document that a node's trajectory came from, if any."""
        one = self.markups.shown_by(node)
        return "" if one is None else self.documents.document_of(one)

    def listed_item(self, node: Any) -> codec.TrajectoryItem | None:
        """Return what the server says of the trajectory that a node shows, if it is one of it."""
        one = self.markups.shown_by(node)
        return None if one is None else one.item

    @property
    def documents(self) -> TrajectoryDocuments:
        """The documents that this server's last answer came from."""
        address = self._connection.address
        known = self._documents
        return known if known.address == address else TrajectoryDocuments(address)

    def by_document(self) -> dict[str, list[Trajectory]]:
        """Return the trajectories that came from documents, by their SOPInstanceUIDs."""
        return self.documents.by_document(self.markups.trajectories)

    def on_stored(
        self, document: str, successor: str, stored: Mapping[Trajectory, codec.TrajectoryItem]
    ) -> None:
        """Know which document has taken the place of another, and what it has of the listed."""
        self._documents = self.documents
        self._documents.replace(document, successor, stored)

    def on_new_stored(self, document: str, stored: Mapping[Any, codec.TrajectoryItem]) -> None:
        """Let the user's lines that are in a document now be the server's: each is there once."""
        self._documents = self.documents
        for node, item in stored.items():
            is_users_own = node.GetScene() is not None and not node.GetAttribute(SERVER_ATTRIBUTE)
            one = self.markups.own(node, item) if is_users_own else None
            if one is not None:
                self._documents.add(document, one)
        self._notify(TrajectoriesChanged())

    # What can be done

    def request(self) -> net.Query:
        """Ask for the trajectories; ``TrajectoriesShown`` or ``Failed`` follows."""
        return self._connection.ask("TRAJ")

    def send(self, nodes: Iterable[Any]) -> None:
        """Send markups lines to the server; ``TrajectoriesSent`` follows.

        Raises ``ValueError`` (``SceneError``, ``codec.EncodeError``) if one cannot be sent,
        ``net.NetworkError`` or ``BrowserError`` if there is no connection.
        """
        items = self._nodes.sent_items(self._connection.address, nodes)
        self._connection.send(codec.TrajectoryMessage(items=items))
        self._notify(TrajectoriesSent(len(items)))

    def show(self, trajectories: Iterable[Trajectory]) -> None:
        """Make these visible; ``TrajectoriesChanged`` follows when all are in the scene."""
        with views_paused():
            self.markups.show(trajectories)
        self._notify(TrajectoriesChanged())

    def hide(self, trajectories: Iterable[Trajectory]) -> None:
        """Make these invisible."""
        with views_paused():
            self.markups.hide(trajectories)
        self._notify(TrajectoriesChanged())

    @property
    def are_all_labeled(self) -> bool:
        """Whether all labels are shown in the views; ``work`` shows and hides them."""
        return self.markups.are_all_labeled

    @are_all_labeled.setter
    def are_all_labeled(self, are_all_labeled: bool) -> None:
        self.markups.are_all_labeled = are_all_labeled
        self._notify(TrajectoriesChanged())

    def remove_gone(self) -> None:
        """Remove those from the scene that the last answer does not have any more."""
        with views_paused():
            self.markups.remove_gone()
        self._notify(TrajectoriesChanged())

    # What happens

    def on_trajectories(self, message: codec.TrajectoryMessage, is_answer: bool) -> None:
        """Show what came. ``is_answer``: those that the user has removed come back."""
        self._nodes.receive(self._connection.address, message.items, is_answer)
        if is_answer:
            address = self._connection.address
            self._documents = TrajectoryDocuments.of_answer(
                address, message, self.markups.trajectories
            )
        # The table shows them at once, although their markups take several turns.
        self._notify(TrajectoriesChanged(is_unsolicited=not is_answer))

    def adopt(self) -> None:
        """Find those of this server that are in the scene already."""
        if self._nodes.adopt(self._connection.address):
            self._notify(TrajectoriesChanged())

    def on_image_shown(self, image_id: str) -> None:
        """Put the trajectories of an image next to it."""
        self.markups.image_shown(image_id)

    @property
    def owner_ids(self) -> set[str]:
        """The ids of the images that they belong to."""
        return self.markups.owner_ids

    def owned_nodes(self) -> Iterator[tuple[str, Any]]:
        """Yield the id of the image and the node of each that belongs to an image."""
        return self.markups.owned_nodes()

    def disown(self, image_id: str, nodes: Collection[Any] | None = None) -> list[Any]:
        """Let none of an image belong to that of another patient, who has its id now.

        Returns the nodes. With ``nodes``, only those that these show.
        """
        disowned = self._nodes.disown(self._connection.address, image_id, nodes)
        self._notify(TrajectoriesChanged())
        return disowned

    @property
    def is_showing(self) -> bool:
        """Whether ``work`` still has trajectories to bring into the scene."""
        return self._nodes.is_working

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None for never."""
        return self._nodes.next_turn

    def work(self) -> None:
        """Bring some of them into the scene, and notify of those answers that are all there."""
        was_working = self._nodes.is_working
        answered = self._nodes.work()
        for trajectories in answered:
            self._notify(TrajectoriesShown(trajectories.nodes, trajectories.problems))
        if was_working and not answered and not self._nodes.is_working:
            self._notify(TrajectoriesChanged())

    def rest(self) -> None:
        """Let the views be drawn: nobody is going to call ``work`` for a while."""
        self._nodes.rest()

    def stop(self) -> None:
        """Bring nothing more into the scene: it was closed."""
        self._nodes.stop()
