"""Vectors into a picture in two dimensions, and how far it can be trusted."""
