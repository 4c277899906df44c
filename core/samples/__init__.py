"""The sample library, its judged questions and its pairs of sentences."""
