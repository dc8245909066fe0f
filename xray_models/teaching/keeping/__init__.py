"""Keeping of readers' progress: tables, migrations, the store, and when a film is due again."""
