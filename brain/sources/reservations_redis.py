"""Reservations of hard budgets in Redis: each verb is one script, which nothing interrupts.

All keys share one hash tag, so that a cluster keeps them in one slot. Amounts are whole
nano-USD and are added by Redis' 64-bit commands, never by Lua's floating point. Nothing expires
by Redis' clock: the callers' alone counts. Source: Redis documentation, "Scripting with Lua",
"Redis cluster specification".
"""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import redis

from brain.decisions.budget_claims import (
    EXPIRED_KEPT,
    Claim,
    Counted,
    LedgerUnavailable,
    Refused,
    Settled,
    from_nano,
    to_nano,
)

_ROOT = "brain:{budgets}:"
_MOST_AT_ONCE = 500
_KEPT_MS = EXPIRED_KEPT // dt.timedelta(milliseconds=1)

# KEYS: reservation, open, owner, scratch, counters
# ARGV: id, owner, amount, expires_ms, past; then a cap and a forget_ms for each counter
_RESERVE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return {-1} end
for place = 5, #KEYS do
  local spent = redis.call('HGET', KEYS[place], 'spent') or '0'
  local reserved = redis.call('HGET', KEYS[place], 'reserved') or '0'
  redis.call('SET', KEYS[4], ARGV[2 * place - 4])
  redis.call('DECRBY', KEYS[4], spent)
  redis.call('DECRBY', KEYS[4], reserved)
  redis.call('DECRBY', KEYS[4], ARGV[3])
  local left = redis.call('GET', KEYS[4])
  redis.call('DEL', KEYS[4])
  if string.sub(left, 1, 1) == '-' then return {place - 4, spent, reserved} end
end
for place = 5, #KEYS do
  redis.call('HINCRBY', KEYS[place], 'reserved', ARGV[3])
  redis.call('ZADD', ARGV[5], ARGV[2 * place - 3], KEYS[place])
  redis.call('HSET', KEYS[1], 'counter:' .. place, KEYS[place],
             'forget:' .. place, ARGV[2 * place - 3])
end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'amount', ARGV[3], 'last', #KEYS)
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return {0}
"""

# KEYS: reservation, open, root
# ARGV: id, cost ('' releases) ; gives 0 unknown, 1 open, 2 expired, and what had been reserved
_SETTLE = """
local amount = redis.call('HGET', KEYS[1], 'amount')
if not amount then return {0} end
local expired = redis.call('HEXISTS', KEYS[1], 'expired') == 1
for place = 5, tonumber(redis.call('HGET', KEYS[1], 'last')) do
  local counter = redis.call('HGET', KEYS[1], 'counter:' .. place)
  if not expired then redis.call('HINCRBY', counter, 'reserved', '-' .. amount) end
  if ARGV[2] ~= '' then redis.call('HINCRBY', counter, 'spent', ARGV[2]) end
  redis.call('ZADD', KEYS[3] .. 'past', redis.call('HGET', KEYS[1], 'forget:' .. place), counter)
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3] .. 'owner:' .. redis.call('HGET', KEYS[1], 'owner'), ARGV[1])
redis.call('ZREM', KEYS[3] .. 'past', KEYS[1])
redis.call('DEL', KEYS[1])
return {expired and 2 or 1, amount}
"""

# KEYS: open, root, past; ARGV: now_ms, most, forget_ms
_EXPIRE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
local gone = 0
for _, id in ipairs(due) do
  local key = KEYS[2] .. 'reservation:' .. id
  redis.call('ZREM', KEYS[1], id)
  local amount = redis.call('HGET', key, 'amount')
  if amount then
    for place = 5, tonumber(redis.call('HGET', key, 'last')) do
      redis.call('HINCRBY', redis.call('HGET', key, 'counter:' .. place), 'reserved',
                 '-' .. amount)
      gone = gone + 1
    end
    redis.call('SREM', KEYS[2] .. 'owner:' .. redis.call('HGET', key, 'owner'), id)
    redis.call('HSET', key, 'expired', 1)
    redis.call('ZADD', KEYS[3], ARGV[3], key)
  end
end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  if (redis.call('HGET', key, 'reserved') or '0') == '0' then
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[3], key)
  end
end
return {#due, gone}
"""

# KEYS: open, owner, root; ARGV: expires_ms
_RENEW = """
local found = 0
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local key = KEYS[3] .. 'reservation:' .. id
  redis.call('ZADD', KEYS[1], 'XX', ARGV[1], id)
  found = found + tonumber(redis.call('HGET', key, 'last')) - 4
end
return found
"""

# KEYS: counter, scratch, past; ARGV: spent, forget_ms
_NOTE = """
local spent = redis.call('HGET', KEYS[1], 'spent') or '0'
redis.call('SET', KEYS[2], ARGV[1])
redis.call('DECRBY', KEYS[2], spent)
local more = redis.call('GET', KEYS[2])
redis.call('DEL', KEYS[2])
if string.sub(more, 1, 1) ~= '-' then redis.call('HINCRBY', KEYS[1], 'spent', more) end
redis.call('ZADD', KEYS[3], ARGV[2], KEYS[1])
"""


class RedisReservations:
    """The same verbs as `brain.sources.reservations_sql.SqlReservations`, across machines."""

    def __init__(self, url: str, timeout_s: float) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self.url = url
        # Without retries: a script that was cut off may have run, and must not run twice.
        self._redis = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0), decode_responses=True, client_name="brain-budgets")
        self._scripts = {text: self._redis.register_script(text)
                         for text in (_RESERVE, _SETTLE, _EXPIRE, _RENEW, _NOTE)}

    def reserve(self, reservation_id: str, owner: str, claims: Sequence[Claim],
                amount_usd: Decimal, now: dt.datetime, expires: dt.datetime) -> Refused | None:
        """None if the amount is held in all the budgets, else the one it does not fit in.

        Dead owners' reservations are expired first where they stand in the way. Raises
        ValueError for an id in use, LedgerUnavailable where Redis does not answer.
        """
        if not claims:
            return None
        refused = self._reserve(reservation_id, owner, claims, amount_usd, expires)
        if refused is not None and self.expire(now):
            refused = self._reserve(reservation_id, owner, claims, amount_usd, expires)
        return refused

    def _reserve(self, reservation_id: str, owner: str, claims: Sequence[Claim],
                 amount_usd: Decimal, expires: dt.datetime) -> Refused | None:
        keys = [f"{_ROOT}reservation:{reservation_id}", f"{_ROOT}open", f"{_ROOT}owner:{owner}",
                f"{_ROOT}scratch", *(_counter(each.budget_id, each.window_start_utc)
                                     for each in claims)]
        values: list[Any] = [reservation_id, owner, to_nano(amount_usd), _ms(expires),
                             f"{_ROOT}past"]
        for each in claims:
            values += [to_nano(each.cap_usd), _ms(each.window_end_utc) + _KEPT_MS]
        found = self._run(_RESERVE, keys, values)
        if int(found[0]) < 0:
            raise ValueError(f"reservation {reservation_id} exists already")
        if int(found[0]) == 0:
            return None
        return Refused(claims[int(found[0]) - 1].budget_id,
                       Counted(from_nano(int(found[1])), from_nano(int(found[2]))))

    def settle(self, reservation_id: str, cost_usd: Decimal) -> Settled:
        """How booking the true cost went; what was reserved above it is free again."""
        cost = to_nano(cost_usd)
        found = self._settle(reservation_id, str(cost))
        if int(found[0]) == 0:
            return Settled(False)
        return Settled(True, int(found[0]) == 2, from_nano(max(cost - int(found[1]), 0)))

    def release(self, reservation_id: str) -> bool:
        """Whether a reservation was given back without cost."""
        return int(self._settle(reservation_id, "")[0]) > 0

    def _settle(self, reservation_id: str, cost: str) -> Any:
        return self._run(_SETTLE, [f"{_ROOT}reservation:{reservation_id}", f"{_ROOT}open", _ROOT],
                         [reservation_id, cost])

    def renew(self, owner: str, expires: dt.datetime) -> int:
        """How many budgets' reservations of a living owner now hold until ``expires``."""
        return int(self._run(_RENEW, [f"{_ROOT}open", f"{_ROOT}owner:{owner}", _ROOT],
                             [_ms(expires)]))

    def expire(self, now: dt.datetime) -> int:
        """How many budgets' reservations of dead owners hold nothing any more."""
        gone = 0
        while True:
            due, freed = self._run(_EXPIRE, [f"{_ROOT}open", _ROOT, f"{_ROOT}past"],
                                   [_ms(now), _MOST_AT_ONCE, _ms(now) + _KEPT_MS])
            gone += int(freed)
            if int(due) < _MOST_AT_ONCE:
                return gone

    def count(self, budget_id: str, window_start: dt.datetime) -> Counted:
        """What one window of a budget has spent and holds."""
        spent, reserved = self._ask(lambda: self._redis.hmget(
            _counter(budget_id, window_start), ["spent", "reserved"]))
        return Counted(from_nano(int(spent or 0)), from_nano(int(reserved or 0)))

    def note_spent(self, claim: Claim, spent_usd: Decimal) -> None:
        """Count at least so much as spent: calls that were paid without being reserved."""
        self._run(_NOTE, [_counter(claim.budget_id, claim.window_start_utc), f"{_ROOT}scratch",
                          f"{_ROOT}past"],
                  [to_nano(spent_usd), _ms(claim.window_end_utc) + _KEPT_MS])

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _run(self, text: str, keys: list[str], values: list[Any]) -> Any:
        return self._ask(lambda: self._scripts[text](keys=keys, args=values))

    def _ask(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (redis.RedisError, OSError) as error:
            raise LedgerUnavailable("the Redis of budgets does not answer") from error


def _counter(budget_id: str, window_start: dt.datetime) -> str:
    return f"{_ROOT}counter:{_ms(window_start)}:{budget_id}"


def _ms(moment: dt.datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return int(moment.timestamp() * 1_000)
