"""The DICOM metadata dictionary of a folder: its fields, reading headers, and the database.

the dictionary  ``fields``; ``headers`` reads them of a file
the database    ``index``, ``database``, ``rows``, ``row_sums``, ``related_series``; ``export``
a scan          ``scan``, ``folder_walk``; in several processes: ``workers``, ``process_executor``
"""
