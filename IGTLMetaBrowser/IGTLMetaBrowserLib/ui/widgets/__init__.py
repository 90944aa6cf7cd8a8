"""Widgets, and what all tables and labels of the panel have in common.

tables   ``table_model``, ``table_views``, ``table_columns``, ``table_menu``,
         ``empty_table_text``, ``row_copying``
texts    ``elided_label``, ``wrapped_label``, ``button_tips``
events   ``resize_filter``, ``scroll_filter``
drawing  ``own_window``
"""
