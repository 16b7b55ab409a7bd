"""The whole reproduction: plan, execution of the notebooks, report."""
