"""The demo behind `make run`: the XBlock in xblock-sdk's workbench, recording for real.

`python -m tests.demo --help` says how to start it. The acceptance tests use the same workbench.
"""
