"""Measurements: time, memory and counts of training steps, and of the activations of trained networks."""
