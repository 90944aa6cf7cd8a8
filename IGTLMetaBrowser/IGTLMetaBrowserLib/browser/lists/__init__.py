"""Lists of images and trajectories: as they came, and as they are shown.

as it came    ``listing``, ``listed_patients``
as it is seen ``image_list``, ``image_groups``, ``image_search``, ``trajectory_list``; with
              ``shown_rows``, ``entry_table``, ``text_column``, ``arranged_rows``,
              ``group_numbers``, ``sorting``, ``natural_order``, ``ascii_ranks`` and ``local_days``
              for a million rows
"""
