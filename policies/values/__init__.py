"""What everything here is made of: calls, JSON read strictly, digests, problems, refusals."""
