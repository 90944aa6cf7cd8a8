"""The packages of IGTLMetaBrowser, most of which also work without Slicer.

A package imports only from lower layers: ``codec``, ``dicom_index`` and ``signal`` (0), ``net`` and
``metadata`` (1), ``privacy`` (2), ``sources`` and ``scene`` (3), ``browser`` (4), ``cli`` and
``ui`` (5). This file imports nothing, so that importing one package never loads another.
"""
