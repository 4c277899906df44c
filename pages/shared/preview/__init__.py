"""How documents will be cut, seen before anything is indexed."""
