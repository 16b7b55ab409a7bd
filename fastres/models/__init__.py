"""The networks of the paper: residual structures, their blocks, and the network of depth D = 6n + 2."""
