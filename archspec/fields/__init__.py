"""Fields of a spec: how a value of each kind is read, checked and described as JSON Schema."""
