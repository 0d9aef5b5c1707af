"""Testing trained runs on their validation pictures."""
