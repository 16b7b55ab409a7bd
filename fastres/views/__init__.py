"""Records and theory as tables, figures and diagrams."""
