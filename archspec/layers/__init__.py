"""The layers of a spec as they are written: their fields, their blocks and their structures."""
