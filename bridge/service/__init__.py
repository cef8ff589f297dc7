"""The HTTP service: what Moodle, other servers and the pages of the direct site talk to.

It accepts completions into the outbox and answers when they are on disk. The delivery loop takes
them to the store. `bridge.service.app` is the application, `bridge.service.auth.keys` the server
keys (used by the command line too, without FastAPI). ``README.md`` in this folder is the guide.
"""
