"""All that is known of one image, with the values and the spacing that the user types."""
