"""Commands that look into an Orbital kernel from gdb; main.py beside this folder starts them."""
