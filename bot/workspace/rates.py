"""How often a method may be called before Slack answers 429.

https://docs.slack.dev/apis/web-api/rate-limits: per method, app and workspace, by tier;
`chat.postMessage` once a second per channel with short bursts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.slack.published_rates import OPEN, PER_MINUTE, POST, POSTS_APART

SECONDS_PER_MINUTE = 60.0
POSTS_IN_A_BURST = 15
CONNECTIONS_A_MINUTE = 60
"""Slack publishes one and tolerates bursts; here many processes come and go within a minute."""


@dataclass
class _Bucket:
    level: float
    at: float


@dataclass
class Rates:
    """Counts calls in leaky buckets; `clock` gives seconds that never go back."""

    clock: Callable[[], float]
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def wait_for(self, method: str, channel: str) -> int:
        """Count a call and return 0, or return the seconds to wait before another try."""
        if method == POST:
            return self._take((method, channel), POSTS_IN_A_BURST, 1.0 / POSTS_APART)
        allowed = PER_MINUTE.get(method)
        if allowed is None:
            return 0
        if method == OPEN:
            allowed = CONNECTIONS_A_MINUTE
        return self._take((method, ""), allowed, allowed / SECONDS_PER_MINUTE)

    def _take(self, key: tuple[str, str], burst: int, per_second: float) -> int:
        at = self.clock()
        bucket = self._buckets.setdefault(key, _Bucket(burst, at))
        bucket.level = min(burst, bucket.level + (at - bucket.at) * per_second)
        bucket.at = at
        if bucket.level >= 1:
            bucket.level -= 1
            return 0
        return max(1, math.ceil((1 - bucket.level) / per_second))
