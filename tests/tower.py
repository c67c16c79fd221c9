"""The type checker of the tests: an int is a float, as Python's typing and mypy say (PEP 484), and as YAML writes it."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
