# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-milter as a process: reload, the end, memcached coming and going, what a restart remembers."""
import fcntl
import os
import signal
import threading
import unittest

from milter_daemon import Milter, SESSION_LIMIT, now, until
from test_milter import INTERNAL, PACKAGE, RATE

RECONFIGURING = "421 4.3.2 Reconfiguration in progress"


class Life(unittest.TestCase):
    def start(self, **options):
        milter = Milter(**options)
        self.addCleanup(milter.__exit__)
        return milter.start()

    def session(self, milter, *args, **options):
        mta = milter.session(*args, **options)
        self.addCleanup(mta.close)
        return mta


class Reload(Life):
    def test_old_sessions_keep_their_epoch_until_it_is_drained(self):
        milter = self.start(drain_timeout="1s", limits={"message_size": "1K"})
        sessions = {name: self.session(milter) for name in ("HELO", "MAIL", "RCPT", "DATA", "GPBADRCPT", "END")}
        for name in ("RCPT", "DATA", "GPBADRCPT", "END"):
            self.assertEqual(sessions[name].mail("<a@dol.gov>"), "continue")
        for name in ("DATA", "END"):
            self.assertEqual(sessions[name].rcpt("<x@example.org>"), "continue")
        self.assertEqual(sessions["END"].data(), "continue")
        milter.configure(message_size="2K")
        self.assertEqual(milter.reload()["epoch"], 2)
        self.assertEqual(self.session(milter).mail("<a@dol.gov>", "SIZE=2048"), "continue")
        self.assertEqual(sessions["MAIL"].mail("<a@dol.gov>", "SIZE=2048")[:3], "552")
        until("the old epoch to be drained", lambda: sessions["HELO"].helo() == RECONFIGURING)
        self.assertEqual(sessions["MAIL"].mail("<a@dol.gov>"), RECONFIGURING)
        self.assertEqual(sessions["RCPT"].rcpt("<x@example.org>"), RECONFIGURING)
        self.assertEqual(sessions["GPBADRCPT"].unknown("GPBADRCPT"), RECONFIGURING)
        self.assertEqual(sessions["DATA"].data(), RECONFIGURING)
        self.assertEqual(sessions["END"].content()[1], "accept")  # it had come whole
        self.assertEqual(self.session(milter).message()[1], "accept")
        for mta in sessions.values():
            mta.close()
        milter.wait_status(epochs_alive=1)

    def test_a_bad_configuration_changes_nothing(self):
        milter = self.start()
        with open(milter.config, "a") as f:
            f.write('drain_timeot = "1s"\n')
        status = milter.reload(good=False)
        self.assertRegex(status["last_reload"], r"^failed: .*gatepost\.conf:\d+: ")
        self.assertEqual((status["epoch"], status["reloads"]), (1, 0))
        self.assertEqual(self.session(milter).message()[1], "accept")
        milter.configure()
        status = milter.reload()
        self.assertEqual((status["epoch"], status["last_reload"]), (2, "ok"))

    def test_what_needs_a_restart_is_said(self):
        milter = self.start()
        milter.changes["milter_listen"] = "unix:/tmp/elsewhere.sock"
        milter.configure()
        status = milter.reload(good=False)
        self.assertRegex(status["last_reload"], "^failed: milter_listen: changed, which needs a restart")
        self.assertEqual(status["epoch"], 1)
        self.assertEqual(self.session(milter).message()[1], "accept")

    def test_hangups_mean_nothing(self):
        milter = self.start()
        mta = self.session(milter)
        for _ in range(50):
            milter.send_signal(signal.SIGHUP)
        self.assertEqual(mta.message()[1], "accept")
        self.assertEqual(milter.status()["reloads"], 0)


class End(Life):
    def test_running_sessions_hear_it(self):
        milter = self.start()
        idle, busy = self.session(milter), self.session(milter)
        self.assertEqual(busy.mail("<a@dol.gov>"), "continue")
        milter.send_signal(signal.SIGTERM)
        until("421", lambda: idle.helo() == RECONFIGURING)
        self.assertEqual(busy.rcpt("<x@example.org>"), RECONFIGURING)
        self.assertIsNone(milter.child.poll())
        late = milter.mta().begin()
        self.addCleanup(late.close)
        self.assertEqual(late.helo(), RECONFIGURING)
        begin = now()
        for mta in (idle, busy, late):
            mta.quit()
        self.assertEqual(milter.wait(), 0)
        self.assertLess(now() - begin, 5)

    def test_a_silent_session_holds_it_up_for_ten_seconds_at_most(self):
        milter = self.start()
        self.session(milter)
        begin = now()
        milter.send_signal(signal.SIGINT)
        self.assertEqual(milter.wait(), 0)
        self.assertGreater(now() - begin, 9)
        self.assertLess(now() - begin, 13)

    def test_the_signal_is_always_ours(self):
        """Also right behind another one, when libmilter's own thread would get it."""
        milter = self.start()
        milter.stop()
        for n in range(20):
            milter.start()
            if n % 2:
                milter.send_signal(signal.SIGUSR1)
            milter.send_signal(signal.SIGTERM if n % 3 else signal.SIGINT)
            self.assertEqual(milter.wait(5), 0)
        self.assertEqual(milter.log().count("event=end"), 21)

    def test_a_second_one_leaves_the_first_its_socket(self):
        milter = self.start()
        second = milter.spawn()
        self.assertEqual(second.wait(10), 1)
        self.assertIn("holds", milter.log())
        self.assertEqual(self.session(milter).message()[1], "accept")

    def test_a_killed_one_is_replaced(self):
        milter = self.start()
        self.assertEqual(self.session(milter).message()[1], "accept")
        milter.kill()
        milter.start()
        self.assertEqual(self.session(milter).message()[1], "accept")

    def test_wrong_usage(self):
        for arguments, status in ((["-x"], 2), (["more"], 2), (["-c", "/nowhere"], 1), (["-V"], 0)):
            with self.subTest(arguments):
                self.assertEqual(self.run_with(arguments), status)

    def run_with(self, arguments):
        import subprocess
        program = os.path.join(os.environ.get("GATEPOST_BUILD") or "build", "bin", "gatepost-milter")
        return subprocess.run([program, *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode


class RunDirectory(Life):
    """Everybody may read it, and it belongs to the daemons' user: neither may keep a daemon from starting."""

    def test_who_may_only_read_cannot_keep_it_from_starting(self):
        m = self.start()
        m.stop()
        for name in os.listdir(m.path("run")):
            path = m.path("run", name)
            if os.stat(path).st_mode & 0o004 == 0:
                continue
            with open(path) as mine:
                fcntl.flock(mine, fcntl.LOCK_EX)
                fcntl.lockf(mine, fcntl.LOCK_SH)  # the lock that needs no right to write
                m.start()
                m.stop()

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_writes_nothing_through_what_the_user_put_there(self):
        m = self.start()
        m.stop()
        for name in ("milter.pid", "milter.lock"):
            victim, planted = m.path(f"victim-of-{name}"), m.path("run", name)
            with open(victim, "w") as f:
                f.write("precious")
            os.remove(planted)
            os.symlink(victim, planted)
            self.assertEqual(m.spawn().wait(20), 1)
            with open(victim) as f:
                self.assertEqual(f.read(), "precious")
            os.remove(planted)
        m.start()
        owner = os.stat(m.path("db")).st_uid
        self.assertEqual({os.stat(m.path("run", name)).st_uid for name in os.listdir(m.path("run"))}, {owner})


class Listening(Life):
    def test_inet(self):
        import process
        import socket
        port = process.free_ports(1)[0]
        milter = Milter(milter_listen=f"inet:127.0.0.1:{port}")
        self.addCleanup(milter.__exit__)
        milter.child = milter.spawn()
        self.addCleanup(milter.stop)

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        until("the milter on its port", answers)

    def test_socket_mode(self):
        milter = self.start()
        self.assertEqual(os.stat(milter.socket).st_mode & 0o777, 0o660)


class Packages(Life):
    def test_a_package_outlives_a_restart(self):
        milter = self.start(limits={"package": "4/month"})
        mta = self.session(milter)
        self.assertEqual([mta.message()[1] for _ in range(3)], ["accept"] * 3)
        mta.close()
        milter.stop()
        milter.start()
        mta = self.session(milter)
        self.assertEqual(mta.message()[1], "accept")
        self.assertEqual(mta.message()[1], PACKAGE)
        milter.wait_log("event=package agency=dol percent=100")
        self.assertEqual(self.session(milter, "192.0.2.20").message(sender="a@dos.gov")[1], "accept")

    def test_warnings(self):
        milter = self.start(limits={"package": "10/day"})
        mta = self.session(milter)
        for _ in range(10):
            self.assertEqual(mta.message()[1], "accept")
        lines = [line for line in milter.log().splitlines() if "event=package" in line]
        self.assertEqual([line.split("percent=")[1] for line in lines], ["80", "90", "100"])


class Memcached(Life):
    def test_live_limits_hold_from_the_next_message_on(self):
        milter = self.start(memcached=True)
        mta = self.session(milter)
        self.assertEqual(mta.mail("<a@dol.gov>", "SIZE=5000"), "continue")
        mta.abort()
        self.assertEqual(milter.memcached_say(b"set gp:limit:dol:message_size 0 0 2\r\n4K\r\n"), b"STORED\r\n")
        self.assertEqual(mta.mail("<a@dol.gov>", "SIZE=5000")[:3], "552")
        milter.memcached_say(b"set gp:limit:dol:sessions 0 0 1\r\n1\r\n")
        with milter.mta() as second:
            self.assertEqual(second.begin().helo(), SESSION_LIMIT)
        milter.memcached_say(b"delete gp:limit:dol:sessions\r\n")
        self.assertEqual(self.session(milter).message()[1], "accept")

    def test_memcached_away(self):
        milter = self.start(memcached=True, limits={"rate": ["3/1h"]})
        milter.wait_status(store="up")
        self.assertEqual(self.session(milter).message()[1], "accept")
        milter.stop_memcached()
        mta = self.session(milter)
        self.assertEqual([mta.message()[1] for _ in range(3)], ["accept", "accept", RATE])
        milter.wait_status(store="down")
        milter.start_memcached()
        milter.wait_status(store="up")
        self.assertEqual(mta.message()[1], RATE)  # and it has learnt again what it lost
        milter.wait_log("memcached is back")

    def test_memcached_away_and_closed(self):
        milter = self.start(memcached=True, on_counter_loss="closed")
        old = self.session(milter)
        milter.stop_memcached()
        new = self.session(milter)  # nothing but a 421 may be said at HELO
        self.assertEqual(new.mail("<a@dol.gov>"), INTERNAL)
        self.assertEqual(old.message()[1], INTERNAL)
        self.assertEqual(self.session(milter, "192.0.2.11").mail("<a@dol.gov>"), INTERNAL)
        milter.wait_status(store="down")
        milter.start_memcached()
        milter.wait_status(store="up")
        self.assertEqual(new.message()[1], "accept")
        self.assertEqual(old.message()[1], "accept")

    def test_two_milters_share_one_limit(self):
        one = self.start(memcached=True, limits={"rate": ["25/1h"]})
        two = self.start(counters=[one.memcached_path], limits={"rate": ["25/1h"]})
        replies, lock = [], threading.Lock()

        def client(milter):
            with milter.session() as mta:
                for _ in range(5):
                    reply = mta.message()[1]
                    with lock:
                        replies.append(reply)
        threads = [threading.Thread(target=client, args=(m,)) for m in (one, two) * 8]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((replies.count("accept"), replies.count(RATE)), (25, 55))
        self.assertEqual(sum(m.log().count("reason=accepted") for m in (one, two)), 25)

    def test_sessions_of_a_killed_milter_come_back(self):
        milter = self.start(memcached=True, limits={"sessions": "2"})
        self.session(milter), self.session(milter)
        milter.kill()
        milter.start()
        self.assertEqual(self.session(milter).message()[1], "accept")  # its row is replaced, not added to


if __name__ == "__main__":
    unittest.main()
