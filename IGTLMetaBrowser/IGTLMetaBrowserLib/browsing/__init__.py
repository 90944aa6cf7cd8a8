"""What a browser keeps in mind: its connection, its list, its queue, and how far each image is."""
