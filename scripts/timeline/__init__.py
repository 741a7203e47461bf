"""Pictures of a run: `scripts/trace.sh` draws a record, gdb a machine that it looks at."""
