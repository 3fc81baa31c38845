"""``python -m indexcalc``"""

from indexcalc.cli.main import main

main()
