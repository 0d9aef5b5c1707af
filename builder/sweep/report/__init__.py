"""The report of a sweep: figures, the importance of hyperparameters, and the page that shows them."""
