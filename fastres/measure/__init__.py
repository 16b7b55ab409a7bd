"""Measurements: time, memory and counts of training steps, and probes of trained networks."""
