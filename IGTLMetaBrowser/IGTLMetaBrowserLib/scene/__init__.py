"""Images and trajectories as nodes of a MRML scene. Needs vtk, and takes the scene it works on.

images          volumes, 4D, live images
markups         trajectories and points
label_maps      label maps, segmentations, colors; ``overlay_nodes`` has those of all servers
where they go   ``subject_hierarchy``; ``placement``, ``slice_layers``, ``transform_followers``
whose they are  ``server_nodes``, ``server_sets``, ``node_references``, ``copied_nodes``,
                ``released_nodes``, ``node_names``
hidden patients ``hidden_patients``; in volumes, see ``images``
making them     ``new_nodes``
drawing         ``rendering``, ``hidden_nodes``
"""
