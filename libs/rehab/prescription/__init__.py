"""The prescription: what to do, how it gets harder and lighter, and the reason for every change."""
