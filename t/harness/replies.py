# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented: every reply by its reason id. Written down here a second time on purpose, as the manual has it."""

REPLIES = {
    "recipient-limit": "452 4.5.3 Service unavailable, recipient per message limit reached",
    "session-limit": "421 4.4.5 Service unavailable, concurrency limit reached",
    "reconfiguring": "421 4.3.2 Reconfiguration in progress",
    "recipient-syntax": "501 5.5.2 RCPT TO syntax error",
    "sender-domain": "451 4.7.1 General failure, this is a private mailfrom domain, usage is not permitted",
    "sender-domain-reject": "550 5.7.1 General failure, this is a private mailfrom domain, usage is not permitted",
    "package": "452 4.7.1 Too many recipients received based on tier configuration",
    "message-size": "552 5.3.4 message size limit exceeded",
    "rate": "450 4.7.1 Rate limit reached, retry later",
    "not-permitted": "554 5.7.1 Address not permitted to relay",
    "blocked": "554 5.7.1 Blocked: %",
    "blocked-temporarily": "421 4.7.1 Blocked temporarily: %",
    "login-ban": "421 4.7.0 Too many failed logins, try again later",
    "login-required": "530 5.7.0 Login required",
    "paused": "450 4.7.1 Paused: %",
    "messages-per-session": "421 4.7.0 Too many messages in this session, reconnect",
    "session-time": "421 4.7.0 Session too long, reconnect",
    "suppressed": "550 5.7.1 Recipient suppressed: %",
    "auto-reply-limit": "550 5.7.1 Too many automatic replies to this recipient",
    "token-forged": "550 5.1.1 No such return path",
    "internal": "451 4.3.0 General failure, please retry again or contact the support",
}


def exact(reason, why=""):
    """The whole line as the milter says it."""
    return REPLIES[reason].replace("%", why)


def is_milters(reply, reason, why=""):
    """Is this the documented line and nothing else?"""
    return reply is not None and reply.text == exact(reason, why)


def is_policyds(reply, reason, why=""):
    """Is this the documented reply as Postfix passes on a policy service's: "code enhanced <who>: ... rejected: text"?"""
    code, enhanced, text = exact(reason, why).split(" ", 2)
    return (reply is not None and len(reply.lines) == 1 and reply.text.startswith(f"{code} {enhanced} <")
            and reply.text.endswith(f" rejected: {text}"))
