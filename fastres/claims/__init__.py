"""Every claim of the paper with its verdict, decided from equations, counts and records."""
