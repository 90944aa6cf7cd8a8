"""An archive (PACS): its list is a query, and its series are fetched when somebody asks for them.

``source`` is what a server offers, with ``overlays`` (label maps and plans of its images);
``archive`` is what an archive can do, with ``certificates``, by one of two protocols.

dicomweb  by HTTP
dimse     by DICOM's own protocol
lists     what an archive lists
arriving  an image that is sent while its series comes
series    series that were fetched
"""
