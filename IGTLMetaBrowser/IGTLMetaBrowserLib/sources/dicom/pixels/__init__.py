"""The pixels of files, and what they mean.

``pixels`` reads those of a volume (``volume_readings``: of several, in turns), by ``decoding``
(``codestreams``) or as they are stored (``stored_pixels``, ``pixels_in_place``, ``bits``);
``values`` and ``lookup_tables`` say what they mean.
"""
