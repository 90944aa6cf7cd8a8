"""Trajectories and points as markups nodes.

trajectories  ``trajectory_nodes`` (of all servers), ``trajectory_set`` (of one), ``trajectory``,
              ``trajectory_markups``, ``trajectory_decoding``, ``trajectory_answer``
points        ``point_nodes`` (of all servers), ``points`` (of one)
both          ``new_markups``, ``display``, ``hidden_markups``, ``received_plans`` (what clients
              send unasked), ``outgoing_markups`` (the way out)
"""
