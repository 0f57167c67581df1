# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback on its LMTP socket: the protocol in any pieces, bad peers, trouble inside, what is kept of a message"""
import hashlib
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from feedback_case import DOMAIN, Case, address, bounce, mail, until
from relayconf import BUILD, process

POSTMASTER = f"postmaster@{DOMAIN}"
FEATURES = {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "SIZE"}


def ident(octets, recipient):
    """The id of a message, as archive.h says"""
    return hashlib.sha256(f"{hashlib.sha256(octets).hexdigest()} {recipient.lower()}".encode()).hexdigest()[:32]


class Protocol(Case):
    def test_greeting_and_features(self):
        client = self.client(self.start())
        self.assertRegex(client.greeting, r"^220 relay\.example\.gov LMTP ")
        lines = client.features.splitlines()
        self.assertEqual({line[4:] for line in lines[1:]}, FEATURES)

    def test_replies(self):
        """What is said, and the code of the answer: a peer's mistake is 5xx, and nothing else is."""
        relay = self.start()
        client = self.client(relay, greeted=False)
        client.reply()
        for line, code in (
                ("MAIL FROM:<>", "503"), ("HELO x", "500"), ("EHLO x", "500"), ("LHLO", "501"), ("LHLO x", "250"),
                ("RCPT TO:<a@b.test>", "503"), ("DATA", "503"), ("MAIL FROM:a@b.test", "501"), ("MAIL FROM:<a b>", "501"),
                ("MAIL FROM:<a@b.test", "501"), ("MAIL", "501"), ("MAIL FROM:<a@b.test> RET=HDRS", "555"),
                ("mail from: <a@b.test> SIZE=12 BODY=8BITMIME SMTPUTF8", "250"), ("MAIL FROM:<>", "503"), ("DATA", "503"),
                ("RCPT TO:<>", "501"), ("RCPT TO:<a@b.test> NOTIFY=NEVER", "555")):
            self.assertEqual(client.say(line)[:3], code, line)
        client = self.client(relay)
        for line, code in (
                ("NOOP", "250"), ("VRFY x", "252"), ("RSET", "250"), ("EXPN x", "500"), ("", "500"), ("MAIL\0", "500"),
                ("MAIL FROM:<" + "x" * 321 + ">", "501"), ("x" * 3000, "500"), ('MAIL FROM:<"a b>\\""@b.test>', "250"),
                ('RCPT TO:<"<x> "@b.test>', "250"), ("RCPT TO:<postmaster>", "250"), ("RSET", "250"), ("RCPT TO:<a@b>", "503"),
                ("QUIT", "221"), ("NOOP", "")):
            self.assertEqual(client.say(line)[:3] if line != "NOOP" or code else client.reply(), code, line)

    def test_a_peer_that_only_errs_is_left(self):
        client = self.client(self.start())
        replies = [client.say("WHAT") for _ in range(20)]
        self.assertEqual({r[:3] for r in replies}, {"500"})
        self.assertEqual(client.reply()[:3], "421")
        self.assertEqual(client.reply(), "")

    def test_too_many_recipients(self):
        client = self.client(self.start())
        client.say("MAIL FROM:<>")
        codes = [client.say(f"RCPT TO:<r{n}@{DOMAIN}>")[:3] for n in range(101)]
        self.assertEqual(codes, ["250"] * 100 + ["452"])

    def test_any_pieces(self):
        """A whole conversation in one write, and octet by octet, is the same conversation."""
        relay = self.start()
        talk = (b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nRCPT TO:<abuse@b.example.gov>\r\nDATA\r\n" % POSTMASTER.encode() +
                b"Subject: %d\r\n\r\n..\r\n.a\r\n...\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n")
        for n, pieces in enumerate((lambda t: [t], lambda t: [t[i:i + 1] for i in range(len(t))],
                                    lambda t: [t[i:i + 7] for i in range(0, len(t), 7)])):
            client = self.client(relay, greeted=False)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            for piece in pieces(talk % n):
                client.send(piece)
            replies = []
            while True:
                reply = client.reply()
                if not reply:
                    break
                replies.append(reply)
            self.assertEqual([r[:3] for r in replies],
                             ["220", "250", "250", "250", "250", "354", "250", "250", "250", "250", "221"])
            first, second = (self.kept(r) for r in replies[6:8])
            self.assertNotEqual(first, second)
            self.assertEqual(relay.archived()[first], b"Subject: %d\r\n\r\n.\r\na\r\n..\r\n" % n)
            self.assertEqual(relay.archived()[second], relay.archived()[first])


class Kept(Case):
    def test_byte_for_byte(self):
        relay = self.start()
        client = self.client(relay)
        draw = random.Random(1)
        bodies = [b"", b".\r\n", b"..\r\n.\r\n", b"a\nb\rc\r\r\n\n.\n\n.\r", b"\0\0", b"\xff\xfe\x80", b"x" * 3000,
                  b"\r\n.\r", bytes(draw.randrange(256) for _ in range(200000)), b"no end"]
        for n, body in enumerate(bodies):
            octets = b"Subject: %d\r\n\r\n" % n + body
            whole = octets if octets.endswith(b"\r\n") else octets + b"\r\n"
            reply = client.deliver(octets, POSTMASTER, "a@x.test")
            name = self.kept(reply)
            self.assertEqual(name, ident(whole, POSTMASTER))
            self.assertEqual(relay.archived()[name], whole)
            row = relay.intake(name)
            self.assertEqual((row["size"], row["hash"], row["sender"], row["recipient"], row["source"]),
                             (len(whole), hashlib.sha256(whole).hexdigest(), "a@x.test", POSTMASTER, "lmtp"))
        path = next(os.path.join(d, f) for d, _, names in os.walk(relay.path("db", "archive")) for f in names
                    if f.endswith(".eml"))
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o640)
        self.assertRegex(path, r"/archive/\d{4}-\d\d-\d\d/[0-9a-f]{32}\.eml$")
        self.assertEqual(os.listdir(relay.path("db", "archive", "draft")), [])

    def test_once(self):
        """Postfix repeats after a lost answer; another recipient is another message."""
        relay = self.start()
        client = self.client(relay)
        octets = bounce("once@example.com")
        to = address("once@example.com")
        names = {self.kept(client.deliver(octets, to)) for _ in range(3)}
        names.add(self.kept(client.deliver(octets, to.upper())))
        self.assertEqual(len(names), 1)
        names.add(self.kept(client.deliver(octets, POSTMASTER)))
        self.assertEqual(len(relay.intake()), 2)
        self.assertEqual(relay.query("SELECT count(*) FROM event"), [(1,)])
        self.assertIn("outcome=repeated", relay.log())

    def test_what_becomes_of_it(self):
        """(recipient of the envelope, its sender, message): outcome, kind, agency"""
        relay = self.start(operator="chief@hq.example.gov", notices="inet:127.0.0.1:9")
        client = self.client(relay)
        jane, old = address("jane@example.com"), address("jane@example.com", days_old=31)
        vacation = mail("Out of Office", headers="Auto-Submitted: auto-replied\r\n")
        leave = address("jane@example.com", letter="u")
        for to, sender, octets, wanted in (
                (jane, "", bounce("jane@example.com"), ("acted", "dsn", "dol")),
                (jane, "mx@example.com", bounce("jane@example.com", extra="2"), ("acted", "dsn", "dol")),
                (jane, "", bounce("joe@example.com"), ("counted", "dsn", "")),
                (old, "", bounce("jane@example.com"), ("expired", "dsn", "dol")),
                (POSTMASTER, "", bounce("jane@example.com"), ("counted", "dsn", "")),
                (jane, "joe@example.com", mail("hi"), ("forwarded", "other", "dol")),
                (jane, "joe@example.com", vacation, ("counted", "auto-reply", "")),
                (jane, "", mail("hi null"), ("ignored", "other", "")),
                (POSTMASTER, "joe@example.com", mail("hi"), ("forwarded", "other", "")),
                (address("a@b.test", letter="r", agency="dos"), "joe@example.com", mail("re: hi"), ("forwarded", "other", "dos")),
                (leave, "jane@example.com", mail("any words"), ("acted", "other", "dol")),
                (leave, "jane@example.com", vacation, ("ignored", "auto-reply", "")),
                (leave, "", mail("any words, null"), ("ignored", "other", "")),
                (leave, "", bounce("jane@example.com"), ("ignored", "dsn", "")),
                (leave, "joe@example.com", mail("whoever I am", sender="joe@example.com"), ("forwarded", "other", "dol"))):
            with self.subTest(wanted, sender=sender, octets=octets[-200:]):
                row = relay.intake(self.kept(client.deliver(octets, to, sender)))
                self.assertEqual((row["outcome"], row["kind"], row["agency"]), wanted)
        self.assertEqual(relay.suppressed(), {("jane@example.com", "dol"): 3})  # unsubscribed; of the bounce:
        self.assertEqual(relay.query("SELECT reason FROM suppression ORDER BY reason"), [(0,), (3,)])

    def test_two_tokens(self):
        """Two valid tokens that name different people: nobody is believed, people are asked to look."""
        relay = self.start()
        other = f"X-Gatepost-Source: dol\r\nReturn-Path: <{address('joe@example.com')}>\r\n"
        client = self.client(relay)
        name = self.kept(client.deliver(bounce("jane@example.com", headers=other), address("jane@example.com")))
        self.assertEqual(relay.intake(name)["outcome"], "quarantined")
        self.assertEqual(relay.suppressed(), {})
        self.assertEqual(relay.query("SELECT agency, kind FROM notice"), [("", "quarantine")])
        # one notice a day, however many
        self.kept(client.deliver(bounce("jane@example.com", headers=other, extra="2"), address("jane@example.com")))
        self.assertEqual(relay.query("SELECT count(*) FROM notice"), [(1,)])
        until("the notice in the log", lambda: "event=notice outcome=logged" in relay.log())

    def test_poison(self):
        """A message that crashed the daemon is kept, and not read again."""
        relay = self.start()
        octets = bounce("jane@example.com")
        to = address("jane@example.com")
        with open(relay.path("db", "archive", "poison", ident(octets, to)), "w"):
            pass
        row = relay.intake(self.kept(self.client(relay).deliver(octets, to)))
        self.assertEqual((row["outcome"], row["kind"]), ("quarantined", ""))
        self.assertEqual(relay.archived()[row["id"]], octets)


class Trouble(Case):
    """Whatever is wrong inside is 451, and the next message is taken when it is mended."""

    def refused(self, client, octets=None):
        reply = client.deliver(octets or mail("later"), POSTMASTER, "a@x.test")
        self.assertRegex(reply, r"^451 4\.3\.0 ")

    def test_no_dictionary(self):
        relay = self.start(dictionaries=["/nowhere"])
        client = self.client(relay)
        self.refused(client)
        relay.configure(dictionaries=[relay.path("dictionary")])
        relay.reload()
        self.kept(until("a message to be taken", lambda: (
            lambda reply: reply if reply.startswith("250") else None)(client.deliver(mail("x"), POSTMASTER, "a@x.test"))))
        self.assertEqual(len(relay.intake()), 1)

    def test_dictionary_read_again(self):
        """A changed dictionary holds, a faulty one leaves the old in force."""
        relay = self.start()
        client = self.client(relay)
        path = relay.path("dictionary", "test.dict")

        def category(n):
            name = self.kept(client.deliver(bounce(f"d{n}@example.com", "550 blue moon", "5.0.0"), address(f"d{n}@example.com")))
            return relay.query("SELECT category FROM event WHERE evidence = ?", name)[0][0]

        def rewrite(text):
            with open(path, "a") as f:
                f.write(text)
            relay.reload()

        self.assertNotEqual(category(1), "M")
        rewrite("* | * | * | blue moon | mailbox-full | none\n")
        until("the new entry", lambda: category(time.monotonic_ns()) == "M")
        rewrite("nonsense\n")
        relay.wait_log("the one in force stays")
        self.assertEqual(category(3), "M")

    def test_database_busy(self):
        relay = self.start()
        client = self.client(relay)
        other = sqlite3.connect(relay.path("db", "gatepost.db"), isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self.refused(client)
        other.execute("ROLLBACK")
        self.kept(client.deliver(mail("later"), POSTMASTER, "a@x.test"))
        self.assertEqual(len(relay.intake()), 1)

    @unittest.skipUnless(os.geteuid() == 0, "takes rights away from the daemon's user")
    def test_archive_not_writable(self):
        relay = self.start()
        client = self.client(relay)
        for folder in ("archive", "archive/draft"):
            path = relay.path("db", folder)
            owner = os.stat(path)
            os.chown(path, 0, 0)
            self.refused(client, mail(folder))
            os.chown(path, owner.st_uid, owner.st_gid)
            self.kept(client.deliver(mail(folder), POSTMASTER, "a@x.test"))
        self.assertEqual(len(relay.intake()), 2)

    def test_too_large(self):
        """A message that Postfix would not have let in is left to it; the conversation goes on."""
        relay = self.start(message_size_ceiling="256K")
        client = self.client(relay)
        self.refused(client, mail("large", body="0123456789" * 140000))
        self.kept(client.deliver(mail("large", body="0123456789" * 100000), POSTMASTER, "a@x.test"))
        self.assertEqual(os.listdir(relay.path("db", "archive", "draft")), [])


class Peers(Case):
    def test_gone_in_the_middle(self):
        """At every place: nothing is left of it, and others are served."""
        relay = self.start()
        talk = b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: gone\r\n\r\nhalf" % POSTMASTER.encode()
        for n in range(0, len(talk) + 1, 3):
            client = relay.client(greeted=False)
            client.send(talk[:n])
            client.close()
        relay.wait_status(connections=0)
        self.assertEqual((relay.intake(), os.listdir(relay.path("db", "archive", "draft"))), ([], []))
        self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))

    def test_garbage(self):
        relay = self.start()
        draw = random.Random(2)
        for n in range(50):
            client = relay.client(greeted=False)
            try:
                client.send(bytes(draw.randrange(256) for _ in range(draw.randrange(5000))) + b"\r\n" * (n % 3))
            except OSError:
                pass
            client.close()
        self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))

    def test_silent_ones(self):
        """200 peers that hang do no harm but to take their places; one more is sent away with 421."""
        relay = self.start()
        held = [self.client(relay, greeted=False) for _ in range(200)]
        self.assertTrue(all(c.reply().startswith("220") for c in held))
        self.assertEqual(self.client(relay, greeted=False).reply()[:3], "421")
        held.pop().close()
        self.kept(until("a place", lambda: self.attempt(relay)))

    def attempt(self, relay):
        try:
            with relay.client() as c:
                reply = c.deliver(mail(), POSTMASTER, "a@x.test") if c.greeting[:3] == "220" else ""
        except OSError:
            return None
        return reply if reply.startswith("250") else None

    def test_many_at_once(self):
        relay = self.start()
        replies, lock = [], threading.Lock()

        def work(k):
            with relay.client() as c:
                for n in range(20):
                    reply = c.deliver(bounce(f"m@d{k}-{n}.example.com"), address(f"m@d{k}-{n}.example.com"))
                    with lock:
                        replies.append(reply)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len({self.kept(r) for r in replies}), 400)
        self.assertEqual(len(relay.intake()), 400)
        self.assertEqual(len(relay.suppressed()), 400)

    def test_one_that_reads_nothing(self):
        """Its replies wait in the socket; nobody else waits."""
        relay = self.start()
        deaf = self.client(relay, greeted=False)
        deaf.socket.setblocking(False)
        try:
            for _ in range(10000):
                deaf.send(b"NOOP\r\n" * 1000)
        except OSError:
            pass
        self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))
        began = time.monotonic()
        relay.stop()
        self.assertLess(time.monotonic() - began, 10)


class Outbox(Case):
    """Mail of people leaves by SMTP: once, when it can"""

    def setUp(self):
        self.place = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.place.close)
        self.place.settimeout(30)

    def relay_and_letter(self):
        relay = self.start(operator="chief@hq.example.gov", notices=f"inet:127.0.0.1:{self.place.getsockname()[1]}")
        self.kept(self.client(relay).deliver(mail("hi", body=".\r\n..x"), POSTMASTER, "joe@example.com"))
        return relay

    def serve(self, answers):
        """One connection; answers: of a command's first word. Returns (commands, message)."""
        connection, _ = self.place.accept()
        commands, message = [], b""
        with connection, connection.makefile("rb") as lines:
            connection.settimeout(30)
            connection.sendall(b"220 x ESMTP\r\n")
            for line in lines:
                line = line.decode().strip()
                commands.append(line)
                answer = answers.get(line.split()[0].upper(), "250 ok")
                if line == "DATA" and answer == "250 ok":
                    connection.sendall(b"354 go\r\n")
                    while not message.endswith(b"\r\n.\r\n"):
                        message += lines.readline()
                    answer = answers.get(".", "250 ok")
                connection.sendall(answer.encode() + b"\r\n")
                if line == "QUIT":
                    break
        return commands, message

    def test_sent(self):
        relay = self.relay_and_letter()
        commands, message = self.serve({})
        self.assertIn("MAIL FROM:<>", " ".join(commands).upper())
        self.assertIn("RCPT TO:<CHIEF@HQ.EXAMPLE.GOV>", [c.upper() for c in commands])
        self.assertIn(b"\r\nX-Gatepost-Forwarded: relay.example.gov\r\n", message)
        self.assertIn(b"\r\n..\r\n...x\r\n", message)
        until("it to be marked", lambda: relay.query("SELECT count(*) FROM forward WHERE sent_ms > 0") == [(1,)])

    def test_refused(self):
        """Refused for now or for good: it waits, and the daemon ends all the same."""
        relay = self.relay_and_letter()
        self.serve({"RCPT": "554 no"})
        relay.wait_log("outcome=waits")
        self.assertEqual(relay.query("SELECT count(*) FROM forward WHERE sent_ms > 0"), [(0,)])
        relay.stop()
        relay.start()
        commands, message = self.serve({})
        self.assertIn(b"Message-ID: <forward.", message)

    def test_many_refused_ones_do_not_hold_up_another(self):
        """Strangers write to abuse@ what the next server will not take (too large, once it is encoded), as often as they like."""
        relay = self.start(operator="chief@hq.example.gov", notices=f"inet:127.0.0.1:{process.free_ports(1)[0]}")
        client = self.client(relay)
        for n in range(51):
            self.kept(client.deliver(mail(f"number {n}."), POSTMASTER, "joe@example.com"))
        relay.stop()
        relay.configure(notices=f"inet:127.0.0.1:{self.place.getsockname()[1]}")
        relay.start()
        for _ in range(50):
            self.serve({".": "552 too large"})
        self.assertIn(b"Subject: number 50.", self.serve({})[1])

    def test_lost_answer(self):
        """When the answer to the whole message is lost it is sent again, under one Message-ID."""
        relay = self.relay_and_letter()
        _, first = self.serve({".": "451 perhaps"})
        relay.wait_log("outcome=waits")
        relay.stop()
        relay.start()
        _, second = self.serve({})
        self.assertEqual(*(re.search(rb"Message-ID: (\S+)", m).group(1) for m in (first, second)))

    def test_silent(self):
        """The daemon does not wait for a server that says nothing when it ends."""
        relay = self.relay_and_letter()
        connection, _ = self.place.accept()
        with connection:
            began = time.monotonic()
            relay.stop()
            self.assertLess(time.monotonic() - began, 10)


class Life(Case):
    def test_end(self):
        """TERM: idle peers hear 421, a message that is arriving may arrive, one that hangs is not waited for."""
        relay = self.start()
        idle, busy, hanging = (self.client(relay) for _ in range(3))
        for c in (busy, hanging):
            c.envelope("a@x.test", POSTMASTER)
            self.assertEqual(c.say("DATA")[:3], "354")
        began = time.monotonic()
        relay.send_signal(signal.SIGTERM)
        self.assertEqual(idle.reply()[:3], "421")
        busy.send(mail("last") + b".\r\n")
        self.kept(busy.reply())
        self.assertEqual(busy.reply()[:3], "421")
        relay.stop()
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(hanging.reply()[:3], "421")
        self.assertEqual(len(relay.intake()), 1)

    def test_one_of_it(self):
        relay = self.start()
        second = relay.spawn()
        self.assertEqual(second.wait(20), 1)
        self.assertIn("another process already listens", relay.log())
        self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))

    def test_reload(self):
        relay = self.start()
        for number in (signal.SIGUSR1, signal.SIGHUP):
            relay.reload(number=number)
        for key in ("feedback_listen", "archive"):
            kept = relay.changes.get(key)
            relay.configure(**{key: ("unix:" if key == "feedback_listen" else "") + relay.path("elsewhere")})
            self.assertIn(f"{key}: changed, which needs a restart", relay.reload(good=False)["last_reload"])
            if kept is None:
                del relay.changes[key]
            relay.configure()
        self.assertEqual(relay.reload()["epoch"], 4)

    def test_what_a_crash_left(self):
        """Drafts and kept files that no row names go at the start; others stay."""
        relay = self.start()
        name = self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))
        relay.kill()
        day = next(n for n in os.listdir(relay.path("db", "archive")) if n.startswith("20"))
        for path in (f"{day}/{'a' * 32}.eml", "draft/7"):
            with open(relay.path("db", "archive", path), "w") as f:
                f.write("left")
        with open(relay.path("db", "archive", day, "note.txt"), "w"):
            pass
        relay.start()
        until("the rest to go", lambda: set(relay.archived()) == {name} and not os.listdir(relay.path("db", "archive", "draft")))
        self.assertIn("note.txt", os.listdir(relay.path("db", "archive", day)))

    def test_retention(self):
        relay = self.start(archive_keep="30d")
        name = self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))
        relay.stop()
        for days in (29, 33):
            folder = relay.path("db", "archive", time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400)))
            os.mkdir(folder)
            with open(os.path.join(folder, f"{days:032}.eml"), "w") as f:
                f.write("old")
            for path in (folder, f.name):
                os.chown(path, *([65534, -1] if os.geteuid() == 0 else [-1, -1]))
        relay.start()
        until("the old one to go", lambda: set(relay.archived()) == {name, f"{29:032}"})

    def test_archive_by_gatepostctl(self):
        relay = self.start()
        octets = bounce("jane@example.com", headers="X: \r\n")
        name = self.kept(self.client(relay).deliver(octets, address("jane@example.com")))
        ctl = [os.path.join(BUILD, "bin", "gatepostctl"), "-c", relay.config, "archive"]
        for prefix in (name, name[:6]):
            self.assertEqual(subprocess.run([*ctl, "get", prefix], capture_output=True, check=True).stdout, octets)
        self.assertIn(name, subprocess.run([*ctl, "list"], capture_output=True, check=True, text=True).stdout)
        for words, status, told in ((["get", "0" * 32], 1, "no message"), (["get", "xyz"], 2, "ID must be"),
                                    (["get", name[:5]], 2, "ID must be")):
            done = subprocess.run([*ctl, *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (status, ""), words)
            self.assertIn(told, done.stderr)
        path = next(os.path.join(d, f) for d, _, names in os.walk(relay.path("db", "archive")) for f in names if name in f)
        with open(path, "r+b") as f:
            f.write(b"x")
        done = subprocess.run([*ctl, "get", name], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("is not what came in", done.stderr)
        os.unlink(path)
        done = subprocess.run([*ctl, "get", name], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no longer kept", done.stderr)

    def test_maildir(self):
        """new and cur are emptied, other files are left; the envelope is in the headers."""
        relay = self.start(maildir="/nowhere")
        relay.stop()
        folder = relay.path("old")
        to = address("jane@example.com")
        for name in ("", "new", "cur", "tmp", "new/folder"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        head = f"Return-Path: <>\r\nX-Original-To: {to}\r\nDelivered-To: {to}\r\n".encode()
        for name, octets in (("new/1", head + bounce("jane@example.com")), ("cur/2:2,S", mail("person")), ("new/3", b""),
                             ("tmp/4", b"not yet"), ("new/.hidden", b"x")):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(octets)
        os.symlink("/etc/passwd", os.path.join(folder, "new", "link"))
        if os.geteuid() == 0:
            for path, _, names in os.walk(folder):
                for entry in [path, *(os.path.join(path, n) for n in names)]:
                    os.chown(entry, 65534, -1, follow_symlinks=False)
        relay.configure(maildir=folder)
        relay.start()
        until("it to be emptied", lambda: len(relay.intake()) == 3)
        until("the files to go", lambda: sorted(os.listdir(os.path.join(folder, "new"))) == [".hidden", "folder", "link"])
        self.assertEqual(os.listdir(os.path.join(folder, "tmp")), ["4"])
        rows = {r["size"]: r for r in relay.intake()}
        back = rows[len(head + bounce("jane@example.com"))]
        self.assertEqual((back["outcome"], back["recipient"], back["source"]), ("acted", to, "maildir"))
        self.assertEqual(relay.suppressed(), {("jane@example.com", "dol"): 0})


if __name__ == "__main__":
    unittest.main()
