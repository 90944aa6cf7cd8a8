"""The parts of IGTLMetaBrowser that also work without Slicer, and the rooms above them.

Rooms import only from lower floors: ``codec`` (0), ``net`` and ``metadata`` (1), ``sources`` and
``scene`` (2), ``browser`` and ``cli`` (3), ``ui`` (4). This file imports nothing, so that
importing one room never loads another.
"""
