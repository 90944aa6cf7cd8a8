"""What a server offers. Each source answers the ``Source`` protocol of ``net.source``.

dicom           a folder of DICOM files
archive         an archive (PACS), by DICOMweb or DIMSE
documents       DICOM documents of plans and label maps, which are stored in either
plain_volumes   a folder of NRRD, NIfTI and MetaImage files
``scene``       what is in Slicer's scene
``demo``        a head ``phantom`` and its plans; both need only numpy, and so work inside Slicer

Beside them: ``trajectory_file`` and ``json_file`` (plans as JSON), ``background`` (what takes long,
in a thread), ``begun_work`` (what takes long, in turns) with ``turn_clock``, ``folder_scans`` (when
a folder is looked at again). Of the packages, each imports only from those above it.
"""
