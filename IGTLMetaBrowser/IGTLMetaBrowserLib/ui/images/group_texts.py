"""Patients and studies in the words of the image table."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...codec import printable
from ...person_names import readable_name
from ..plurals import Plural

_INDENT = "    "


class GroupTexts:
    """They are translated once: ``_()`` costs 9 µs a call in Slicer."""

    def __init__(self, localeTexts):
        self._localeTexts = localeTexts
        self._images = Plural(localeTexts, _("1 image"), _("{count} images"))
        self._noName = _("No patient name")
        self._noDay = _("No scan date")
        self._nameAndTotal = _("{name} ({images})")
        self._patientId = _("Patient ID: {id}")
        self._issuer = _("Issuer of the patient ID: {issuer}")

    def name(self, group, imageTotal):
        """Return what stands in the row of a group."""
        text = self._nameAndTotal.format(name=self._name(group), images=self._images(imageTotal))
        return self.indented(text, group.level)

    def toolTipLines(self, group):
        """Return who it is, and for a study, of which day."""
        asListed = printable(group.patient_name)
        names = dict.fromkeys((readable_name(asListed), asListed))
        lines = [*filter(None, names)] or [self._noName]
        if group.patient_id:
            lines.append(self._patientId.format(id=printable(group.patient_id)))
            if group.issuer:
                lines.append(self._issuer.format(issuer=printable(group.issuer)))
        return [*lines, self._name(group)] if group.level else lines

    def indented(self, text, level):
        """Return a text as it stands below ``level`` groups."""
        return _INDENT * level + text

    def _name(self, group):
        if group.level:
            return self._noDay if group.day is None else self._localeTexts.day(group.day)
        name = readable_name(printable(group.patient_name))
        name = name or printable(group.patient_id) or self._noName
        # Without an ID, patients are hidden.
        return f"{name}, {printable(group.issuer)}" if group.issuer and group.patient_id else name
