"""The type checker of the tests: an int is a float, as mypy says (PEP 484) and YAML writes it."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
