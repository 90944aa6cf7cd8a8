"""A folder of plain volumes, NRRD, NIfTI and MetaImage, which ITK reads, and of Slicer's markups.

``folder`` is the source, ``folder_files`` what it offers, ``volume_file`` one of its files;
``itk_process`` has ``itk_reading`` run in a process of its own, and there ``whole_voxels``, which
inflates what is compressed, and ``text_voxels``. What ITK does not check beside that: ``headers``,
``nifti_header``, ``nifti_place``, ``voxel_files``; all use ``formats``. Plans are in
``markups_folder``.
"""
