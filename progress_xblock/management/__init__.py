"""What Open edX's ``manage.py`` finds of the block."""
