"""Unit tests of what needs no machine; `python3 -m unittest` in scripts/gdb runs them, too."""
