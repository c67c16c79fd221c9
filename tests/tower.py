"""The type checker of the tests: it accepts an int as a float, as in mypy (PEP 484) and YAML."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
