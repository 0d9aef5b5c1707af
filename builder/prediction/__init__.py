"""Predicting the classes of pictures, by a trained run or an exported model."""
