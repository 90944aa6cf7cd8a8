"""The window. The only package, with the module file, that knows Qt.

the panel    ``panel``, ``panel_events`` (what it shows of the browser's events),
             ``panel_messages``, ``pump`` (the browser's steps in Qt's event loop)
sections     ``…_section``, one for each of the panel; fields and menus of one are beside it
tables       ``…_table`` (a model), ``table_model`` (what they share), ``…_columns``
archive      ``archive_…``, ``plan_store``, ``label_store``
own server   ``scene_endpoint``, ``share_…``, ``demo_endpoint``
"""
