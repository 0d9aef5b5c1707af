"""Words of Keras, PyTorch, timm, Lightning and Ultralytics, and what this language says instead.

A table names where a word is typed, the words, and the answer. To add a word, add it to a row of `layers`, `training`
or `sections`; `missing` has what the language lacks so far.
"""
