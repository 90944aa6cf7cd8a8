"""What images look like before they are loaded: thumbnails, and some of their slices."""
