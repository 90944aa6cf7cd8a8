"""Images and trajectories as nodes of a MRML scene. Needs vtk, and takes the scene it works on.

images         ``volumes`` (a message as a volume node), ``image_nodes`` (which node shows which
               image), ``previews`` and ``subvolumes`` (parts), ``image_sequence`` (4D)
trajectories   ``trajectory_nodes``, ``trajectory_set``, ``trajectory_markups``
overlays       ``points``, ``label_maps``, ``colors``, and for all servers ``overlay_nodes``
where they go  ``hierarchy``, ``placement``, ``slice_layers``, ``transform_followers``
the way out    ``outgoing_markups``, ``outgoing_volumes``, ``outgoing_segmentations``
"""
