"""Drawings of networks, laid out from the structure that their specs give them."""
