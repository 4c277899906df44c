"""Who judged what, and how judgments are kept, undone and pooled."""
