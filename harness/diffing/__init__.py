"""What a change taught, found without knowing what to look for.

Scans replies teacher-forced under target and baseline, ranks what moved, and seeds sampling with
it. Knows ids, logits and counts; what text means is known by those who call it.
"""
