"""PostgreSQL's protocol 3.0 without a socket: bytes to frames, frames to messages, replies to the requests they answer.

Pure. `frames` cuts bytes, `messages` reads and writes them, `state` holds what may come when, `replies` is the account
of one session, `scram` and `options` are what happens before it. Nothing here knows the order, a login or a policy.
"""
