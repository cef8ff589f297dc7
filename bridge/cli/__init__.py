"""progress-bridge …"""
