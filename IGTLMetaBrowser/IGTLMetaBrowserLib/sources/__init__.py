"""What a server offers. Each source answers the ``Source`` protocol of ``net.source``.

demo              ``demo``, ``phantom``: need only numpy, and so work inside Slicer
folder of DICOM   ``dicom_folder``, ``dicom_volumes`` (which frames are a volume), ``dicom_fields``
                  (an entry of the list, and metadata), ``dicom_pixels``, ``dicom_decoding``;
                  label maps: ``folder_label_maps``, ``dicom_segmentations``, ``dicom_structures``
folder of NRRD …  ``plain_volumes``, ``volume_headers`` and ``whole_voxels`` (what ITK does not
                  check), ``voxel_files``, ``markups_folder``
archive (PACS)    ``archive_source``, ``archive`` (what an archive can do) with ``dicomweb`` and
                  ``dimse``, ``series_fetcher``, ``series_cache``, ``arriving_volume``
documents         ``plan_document`` (SR), ``label_document`` (SEG), ``predecessor``: what is stored
scene             ``scene``: what is in Slicer's scene
"""
