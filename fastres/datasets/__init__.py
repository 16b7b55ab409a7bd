"""Datasets as tensors: their sources, and the augmentation of Section 3.1."""
