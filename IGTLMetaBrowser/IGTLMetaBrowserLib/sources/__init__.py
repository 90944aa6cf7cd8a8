"""What a server offers. Each source answers the ``Source`` protocol of ``net.source``.

``demo`` needs only numpy and so works inside Slicer; ``dicom_folder`` serves a folder of DICOM
files and needs pydicom; ``archive_source`` serves an archive (PACS).
"""
