"""Rankscope measured against its peers, in one run."""
