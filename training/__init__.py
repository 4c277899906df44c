"""How the built-in cross-encoder was made; see README.md in this folder."""
