"""The models: which there are (catalog), the bi-encoder, and how its tokens are counted."""
