"""Charts of numbers, drawn with Matplotlib."""
