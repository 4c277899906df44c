"""Collections in and out: bundles of our own, BEIR data sets, copies, and what other programs wrote into Chroma."""
