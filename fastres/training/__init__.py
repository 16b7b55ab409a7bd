"""Training, Section 3.2: recipe, loop, engine, and a run from its config to its record."""
