"""Images and trajectories as nodes of a MRML scene. Needs vtk, and takes the scene it works on."""
