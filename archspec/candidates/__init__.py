"""The candidates of a search: the networks they give, and which of them are inside the budget."""
