"""Telling the law department that something waits: what is said, the outbox, and who sends it.

`telling` says what and to whom, pure; `outbox` keeps a row for each notice in the transaction of what it tells of;
`worker` sends them, in threads of the desk's one process.
"""
