"""What every request needs: its body, its errors, its log line, its metrics."""
