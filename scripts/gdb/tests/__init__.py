"""Unit tests of what needs no machine; `python3 -m unittest` in scripts/gdb runs them, too."""

import os
import sys

# For `timeline`, as main.py does.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
