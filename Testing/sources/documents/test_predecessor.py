"""Documents of a study in an archive: what one that is to be replaced was replaced by already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import pytest
from pydicom import DataElement, Dataset

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.archive import Query, QueryResult, Series
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan
from IGTLMetaBrowserLib.sources.documents.predecessor import DocumentsOfStudy

LINE = codec.TrajectoryItem(name="Left STN", entry=(10, 20, 30.5), target=(-1, 2, 3))


class ArchiveOf:
    """An archive that has these documents, each in a series of its own."""

    name = "archive"

    def __init__(self, documents: Sequence[Dataset]) -> None:
        self._documents = {str(one.SeriesInstanceUID): one for one in documents}

    def find(self, _query: Query, _most: int) -> QueryResult:
        return QueryResult(
            Series({"SeriesInstanceUID": uid, "Modality": "SR"}) for uid in self._documents
        )

    def fetch(self, series: Series, write: Callable[[Any], None]) -> None:
        content = BytesIO()
        self._documents[series.uid].save_as(content, enforce_file_format=True)
        write(content.getvalue())


@pytest.fixture
def images(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0, 0, z), PatientName="Doe^Jane") for z in (0, 2, 4)]


@pytest.mark.parametrize(("name", "is_replaced"), [("DOE^JANE", True), ("Roe^Jim", False)])
def test_who_has_another_name_has_replaced_nothing(images, name, is_replaced):
    """It is shown, and can be replaced, though another patient's document says that it was."""
    first = write_plan([LINE], images)
    other, own = (write_plan([LINE], images, first) for _ in range(2))
    other["PatientName"] = DataElement("PatientName", "PN", name)  # it has its images'
    documents = DocumentsOfStudy(ArchiveOf([first, other]), images, "SR")
    assert bool(documents.rivals(own)) == is_replaced
    latest = documents.with_latest(first.SOPInstanceUID)[1]
    assert latest.SOPInstanceUID == (other if is_replaced else first).SOPInstanceUID
    if is_replaced:
        with pytest.raises(SourceError, match="was replaced meanwhile"):
            documents.check_valid(first.SOPInstanceUID)
    else:
        documents.check_valid(first.SOPInstanceUID)
