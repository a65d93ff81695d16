"""Diaries: from a CSV file as people keep it to facts, with every guess said and every bad row named."""
