"""Where nodes stand in the subject hierarchy.

``hierarchy`` has patients, studies and images, ``group_folders`` what belongs to an image;
``item_texts`` has what each item says, as Slicer can save it.
"""
