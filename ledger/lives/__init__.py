"""The life of each thing that events make: approvals, calls, grants and the like. Pure."""
