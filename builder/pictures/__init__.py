"""Pictures: read from files, cropped, resized and normalised for a network."""
