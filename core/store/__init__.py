"""What is stored: chunks and vectors in Chroma, documents and judgments in SQLite."""
