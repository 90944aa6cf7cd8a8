"""A folder of plain volumes, NRRD, NIfTI and MetaImage, which ITK reads, and of Slicer's markups.

``folder`` is the source; ``itk_process`` has ``itk_reading`` run in a process of its own. What ITK
does not check: ``headers``, ``nifti_header``, ``nifti_place``, ``voxel_files``, ``whole_voxels``.
Plans are in ``markups_folder``.
"""
