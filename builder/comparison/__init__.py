"""Runs and searches side by side: what each reached and cost, what differs between them, and what may be concluded.

- `finding` says which runs are meant, and `record` what is known of each by itself; `evaluations` and `latency` read
  what its evaluations and exports have measured;
- `groups` puts runs together that are equal but for the seed, and `significance` says which differences are more than
  chance; `disagreement` compares two networks picture by picture, `differences` two specs field by field;
- `comparison` is the whole, `text`, `tables`, `charts`, `pictures` and `page` show it.

A number of a run is computed from its directory alone: it is the same whatever else is shown beside it.
"""
