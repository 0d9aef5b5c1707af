"""The report of a search: figures, the importance of hyperparameters, and the page that shows them."""
