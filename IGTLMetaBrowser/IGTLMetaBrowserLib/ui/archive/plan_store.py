"""Trajectories stored in the archive that is browsed, as a Comprehensive 3D SR."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from slicer.i18n import tr as _

from ...codec import TrajectoryType, printable
from ...scene.errors import SceneError
from ...scene.images.moved_images import check_not_bent
from ...scene.label_maps.outgoing_labels import check_same_patient
from ...scene.markups.outgoing_markups import trajectory_item
from ...scene.markups.trajectory_markups import OWNER_ATTRIBUTE
from ...scene.nodes.node_names import savable_name
from ...scene.server_nodes.attributes import read_id
from ...sources.dicom.plans import FINDINGS, stored_name
from ...sources.trajectory_file import write_trajectories
from ..plurals import Plural
from .document import DocumentToStore

_MOST_NAMES = 10


class PlanStore:
    """Makes documents of trajectories for ``store``, an ``ArchiveStore``.

    What came from a plan in the archive, and was changed perhaps, takes the place of that plan. Of
    its trajectories, those that are not among the nodes stay as they are: all of a plan that is
    replaced is no longer valid. Those whose nodes the user has removed from the scene are left out.
    The same holds for lines that were stored, and stay the user's own: they were moved meanwhile,
    or are under a transform. Once the server has told of that plan, its lines are beside them.
    """

    def __init__(self, browser, store, localeTexts):
        self._browser = browser
        self._store = store
        self._new = Plural(
            localeTexts,
            _("Store one trajectory in {archive}, in the study of '{image}'?"),
            _("Store {count} trajectories in {archive}, in the study of '{image}'?"),
        )
        self._replacing = Plural(
            localeTexts,
            _(
                "Store one trajectory in {archive}, in place of the plan of '{image}' that it came "
                "from?"
            ),
            _(
                "Store {count} trajectories in {archive}, in place of the plan of '{image}' that "
                "they came from?"
            ),
        )
        self._kept = Plural(
            localeTexts,
            _("The other one of that plan stays as it is."),
            _("The {count} others of that plan stay as they are."),
            none="",
        )
        self._leftOut = _("Left out of it, as removed from the scene: {names}.")
        self._emptied = _(
            "Store in {archive} that nothing of the plan of '{image}' is planned any more? It was "
            "removed from the scene: {names}."
        )
        self._more = _("{names} and {count} more")
        self._archiveText = ""
        # By the UIDs of plans: what was listed of them when they were stored, and the lines in them
        # that stay the user's own, as they were stored.
        self._drawn = {}

    def store(self, nodes):
        """Store trajectories of one image, if the user agrees."""
        self._store.store(lambda: self._document(nodes))

    def emptied(self):
        """Return the plans of which the user has removed all trajectories from the scene.

        By their documents, with the trajectories.
        """
        trajectories = self._browser.trajectories
        return {
            document: removed
            for document, removed in trajectories.by_document().items()
            if all(map(trajectories.markups.is_removed, removed))
        }

    def storeEmpty(self, document, removed):
        """Store that nothing of a plan is planned any more, if the user agrees."""
        self._store.store(lambda: self._emptyDocument(document, removed))

    def _emptyDocument(self, replaced, removed):
        imageId = removed[0].item.owner
        image, names = self._store.image(imageId), self._namesOf([one.item for one in removed])
        return DocumentToStore(
            "plan.json",
            partial(_write, []),
            self._store.seriesOf(imageId),
            replaced,
            self._emptied.format(
                archive=self._store.archiveText, image=image.GetName(), names=names
            ),
            _("Trajectories: {count} {{words}}.").format(count=0),
            onStored=partial(self._onStored, replaced, {}, {}, {}),
            isEmpty=True,
        )

    def _document(self, nodes):
        imageId = self._imageOf(nodes)
        image, replaced = self._store.image(imageId), self._replacedBy(nodes)
        check_not_bent(image)
        for node in nodes:
            check_same_patient(node, image)
        items = [self._item(node, image, imageId) for node in nodes]
        changed, kept, leftOut = self._planned(replaced, nodes, items)
        drawn, removed = self._othersDrawn(replaced, nodes)
        count = len(kept) + len(drawn)
        pairs = zip(nodes, items, strict=True)
        stored = {(node, node.GetName()): one for node, one in pairs}
        return DocumentToStore(
            "plan.json",
            partial(_write, [*items, *kept.values(), *drawn.values()]),
            self._store.seriesOf(imageId),
            replaced,
            self._question(len(items), count, replaced, image, [*leftOut, *removed]),
            _("Trajectories: {count} {{words}}.").format(count=len(items) + count),
            onStored=partial(self._onStored, replaced, changed | kept, stored, drawn),
        )

    def _item(self, node, image, imageId):
        """Return a line as it comes back: a document has no groups, and not all names."""
        item = trajectory_item(node, image, owner=imageId)
        listed = self._browser.trajectories.listed_item(node)
        if listed is not None and node.GetName() == savable_name(listed.name):
            return replace(item, name=listed.name, group="")  # Slicer cannot save each name
        _code, meaning = FINDINGS[TrajectoryType(item.type)]
        return replace(item, name=stored_name(item.name, meaning), group="")

    def _onStored(self, replaced, trajectories, stored, drawn, uid, _segments):
        """Know the new plan, so that the next one takes the place of that."""
        if replaced:
            self._browser.trajectories.on_stored(replaced, uid, trajectories)
        same = {node: item for (node, name), item in stored.items() if node.GetName() == name}
        self._browser.trajectories.on_new_stored(uid, same)
        for (node, _name), item in stored.items():
            if self._browser.trajectories.document_of(node) != uid:
                drawn[node] = item
        if self._archiveText != self._store.archiveText:
            self._archiveText, self._drawn = self._store.archiveText, {}
        self._drawn.pop(replaced, None)
        if drawn:
            self._drawn[uid] = self._listed(uid), drawn

    def _listed(self, document):
        return list(self._browser.trajectories.by_document().get(document, ()))

    def _drawnIn(self, document):
        """Return the user's own lines in a plan, of which the server has not told since."""
        listed, lines = self._drawn.get(document, ([], {}))
        isHere = self._archiveText == self._store.archiveText
        return lines if isHere and listed == self._listed(document) else {}

    def _othersDrawn(self, document, nodes):
        """Return the user's own lines in a plan but these, and the items of those removed."""
        others = {one: item for one, item in self._drawnIn(document).items() if one not in nodes}
        kept = {one: item for one, item in others.items() if one.GetScene() is not None}
        return kept, [item for one, item in others.items() if one not in kept]

    def _documentOf(self, node):
        drawn = (uid for uid in self._drawn if node in self._drawnIn(uid))
        return self._browser.trajectories.document_of(node) or next(drawn, "")

    def _question(self, count, kept, replaced, image, leftOut):
        text = f"{(self._replacing if replaced else self._new)(count)} {self._kept(kept)}".strip()
        text = text.format(archive=self._store.archiveText, image=image.GetName())
        return f"{text} {self._leftOut.format(names=self._namesOf(leftOut))}" if leftOut else text

    def _namesOf(self, items):
        names = ", ".join(
            f"'{printable(item.name)}'" if item.name else _("without a name")
            for item in items[:_MOST_NAMES]
        )
        count = len(items) - _MOST_NAMES
        return self._more.format(names=names, count=count) if count > 0 else names

    def _imageOf(self, nodes):
        """Return the id of the image of a plan: that it came with, or else the one that is seen."""
        owners = {read_id(node.GetAttribute(OWNER_ATTRIBUTE)) for node in nodes} - {""}
        if len(owners) > 1:
            raise SceneError(_("these trajectories are of several images; store those of one"))
        return owners.pop() if owners else self._store.imageInViews()

    def _replacedBy(self, nodes):
        """Return the UID of the plan in the archive that nodes came from, or an empty text."""
        documents = {self._documentOf(node) for node in nodes} - {""}
        if len(documents) > 1:
            raise SceneError(_("these trajectories are of several plans; store those of one"))
        return documents.pop() if documents else ""

    def _planned(self, document, nodes, items):
        """Return the trajectories of a plan, each with what is stored of it.

        First those of the nodes, as in ``items``; then those that stay as the archive has them;
        then those that the user has removed from the scene, as a list.
        """
        if not document:
            return {}, {}, []
        trajectories = self._browser.trajectories
        byNode = {node.GetID(): item for node, item in zip(nodes, items, strict=True)}
        changed, kept, leftOut = {}, {}, []
        for one in trajectories.by_document().get(document, ()):
            node = trajectories.node(one)
            if node is not None and node.GetID() in byNode:
                changed[one] = byNode[node.GetID()]
            elif trajectories.markups.is_removed(one):
                leftOut.append(one.item)
            else:
                kept[one] = trajectories.documents.stored_item(one)
        return changed, kept, leftOut


def _write(items, path):
    write_trajectories(path, items)
