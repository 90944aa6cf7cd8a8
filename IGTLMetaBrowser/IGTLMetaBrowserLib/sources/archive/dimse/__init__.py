"""An archive by DIMSE (PS3.7).

``dimse_archive`` is what it can do; ``association`` connects, ``watch`` limits how long that takes,
``files`` takes what comes, and ``port`` is where it comes by C-MOVE.
"""
