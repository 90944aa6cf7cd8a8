"""An archive by DICOMweb (PS3.18), over HTTP.

``dicomweb_archive`` is what it can do; ``session`` connects and logs in, ``answers`` limits how
long answers take, ``json_model`` and ``multipart`` read what comes, ``stow`` sends documents.
"""
