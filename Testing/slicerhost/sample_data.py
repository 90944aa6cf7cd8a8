"""Stand-in for Slicer's Sample Data module: what other modules have registered with it.

It can register, find and name sources. It has no window, no data of its own, and downloads
nothing; what its buttons do for a source with a downloader of its own, a test does itself:
`source.customDownloader(source)`. The functions for scripts ignore it, as Slicer's do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import slicer


class SampleDataSource:
    """One set of data: a name, a picture, and for each of its files where that comes from."""

    def __init__(
        self,
        sampleName: str | None = None,
        sampleDescription: str | None = None,
        uris: str | Sequence[str] | None = None,
        fileNames: str | Sequence[str] | None = None,
        nodeNames: str | Sequence[str] | None = None,
        customDownloader: Callable[[SampleDataSource], Any] | None = None,
        thumbnailFileName: str | None = None,
    ) -> None:
        self.sampleName = sampleName
        self.sampleDescription = sampleDescription or sampleName
        if isinstance(uris, str):
            uris, fileNames, nodeNames = [uris], [fileNames], [nodeNames]
        elif nodeNames is None:
            nodeNames = [None] * len(uris)
        if not len(uris) == len(fileNames) == len(nodeNames):
            raise ValueError("All fields of sample data source must have the same length")
        self.uris, self.fileNames, self.nodeNames = uris, fileNames, nodeNames
        self.customDownloader = customDownloader
        self.thumbnailFileName = thumbnailFileName


class SampleDataLogic:
    """The sources by category; they lie in `slicer.modules.sampleDataSources`."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **fields: Any) -> None:
        sources = SampleDataLogic.sampleDataSourcesByCategory()
        sources.setdefault(category, []).append(SampleDataSource(**fields))

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        """All sources, a dictionary of lists, or the list of one category."""
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources
        return sources if category is None else sources.get(category, [])

    def sourceForSampleName(self, sampleName: str) -> SampleDataSource | None:
        for sources in self.sampleDataSourcesByCategory().values():
            for source in sources:
                if source.sampleName == sampleName:
                    return source
        return None

    def downloadSamples(self, sampleName: str) -> list[Any]:
        source = self.sourceForSampleName(sampleName)
        if source is not None and source.uris:
            raise NotImplementedError("slicerhost's SampleData downloads nothing")
        return []


def downloadSamples(sampleName: str) -> list[Any]:
    return SampleDataLogic().downloadSamples(sampleName)


def downloadSample(sampleName: str) -> Any:
    return downloadSamples(sampleName)[0]
