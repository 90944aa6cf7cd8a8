"""Images and trajectories as nodes of a MRML scene. Needs vtk, and takes the scene it works on.

images          volumes, 4D, live images
markups         trajectories and points
label_maps      label maps, segmentations, colors; ``overlay_nodes`` has those of all servers
nodes           of any kind: made, named, found
server_nodes    those that came from a server, and how they become the user's own
where they go   ``subject_hierarchy``; ``placement``, ``slice_layers``, ``transform_followers``
hidden patients ``hidden_patients``; in volumes, see ``images``
drawing         ``rendering``
"""
