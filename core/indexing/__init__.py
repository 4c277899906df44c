"""Files into a collection."""
