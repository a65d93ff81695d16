"""Flags: what people get wrong (F1-F11). They stand beside the order of judgement and move nothing."""

from libs.rehab.flags.raising import end_flag, raise_flag

__all__ = ["end_flag", "raise_flag"]
