"""``python -m qinlian.cli``."""

from qinlian.cli import main

main()
