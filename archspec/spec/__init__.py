"""A spec: its sections, `extends`, overrides and parameters, resolved."""
