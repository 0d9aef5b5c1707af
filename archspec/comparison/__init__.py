"""What differs between two specs: parts of their networks, and values of their recipes."""
