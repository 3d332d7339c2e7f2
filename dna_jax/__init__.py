"""Joint search of neural networks and the accelerators that run them, in JAX."""
