"""The same command as ``progress-bridge``: ``python -m bridge.cli``."""

from bridge.cli import main

if __name__ == "__main__":  # the processes of `serve` import this module, too
    main()
