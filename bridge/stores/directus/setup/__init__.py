"""What `progress-bridge setup` makes of a Directus: collections, fields, relation, rights."""
