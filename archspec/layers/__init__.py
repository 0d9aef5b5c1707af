"""Reading the layers of a spec: their fields, blocks and structures."""
