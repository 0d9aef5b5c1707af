"""The process, the terminal and the disk; importing this package imports no TensorFlow."""
