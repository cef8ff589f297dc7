"""The fault campaign: nothing that was accepted is lost, doubled or halved, whatever fails.

``make faults`` runs it in full, ``test_campaign.py`` in short. Producers put completions into an
outbox and log what was accepted; `progress-bridge deliver` takes them to a real Directus over a
real PostgreSQL; meanwhile a seeded schedule of faults runs. At the end the base is compared with
the log, row by row.
"""
