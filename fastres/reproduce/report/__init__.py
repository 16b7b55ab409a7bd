"""The HTML report, made of the executed notebooks."""
