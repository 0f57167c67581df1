#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catching sink: an SMTP server that takes every message and writes it down, the world as Postfix sees it.

sink.py --dir DIR --port PORT
Per message DIR/N.eml (the bytes: CRLF, dots unstuffed), then DIR/N.json (mail_from and rcpt_to without <>, and what came
with MAIL and RCPT), renamed in last: who sees N.json finds N.eml whole. N has eight digits and counts from 1.

Hooks for tests, by a recipient's local part: "reject-550-..." is answered 550 (any 4xx or 5xx) at RCPT,
"slow-SECONDS-..." waits before the answer to the message.
"""
import argparse
import asyncio
import json
import os
import re
import signal

LINE_MAX = 128 << 20


class Sink:
    def __init__(self, directory):
        self.directory = directory
        self.last = max((int(n[:-5]) for n in os.listdir(directory) if re.fullmatch(r"\d+\.json", n)), default=0)

    def keep(self, envelope, data):
        self.last += 1
        stem = os.path.join(self.directory, f"{self.last:08d}")
        with open(stem + ".eml", "wb") as f:
            f.write(data)
        with open(stem + ".tmp", "w") as f:
            json.dump(envelope, f)
        os.rename(stem + ".tmp", stem + ".json")
        return self.last

    async def talk(self, reader, writer):
        try:
            await Conversation(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


class Conversation:
    def __init__(self, sink, reader, writer):
        self.sink, self.reader, self.writer = sink, reader, writer
        self.envelope = None

    async def say(self, text):
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def run(self):
        await self.say("220 sink.test ESMTP")
        while True:
            line = await self.reader.readuntil(b"\n")
            text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
            verb = text[:4].upper()
            if verb == "EHLO":
                await self.say("250-sink.test\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                               "250-ENHANCEDSTATUSCODES\r\n250 DSN")
            elif verb == "MAIL":
                await self.mail(text)
            elif verb == "RCPT":
                await self.rcpt(text)
            elif verb == "DATA":
                await self.data()
            elif verb == "QUIT":
                await self.say("221 2.0.0 bye")
                return
            else:
                if verb == "RSET":
                    self.envelope = None
                await self.say("250 2.0.0 ok")

    @staticmethod
    def path(text):
        """("a@b", "SIZE=1") of "MAIL FROM:<a@b> SIZE=1"; a quoted local part may hold blanks and >"""
        found = re.match(r'[^:]*:\s*<((?:"(?:\\.|[^"\\])*"|[^">])*)>\s*(.*)', text)
        return (found.group(1), found.group(2)) if found else (text, "")

    async def mail(self, text):
        address, parameters = self.path(text)
        self.envelope = {"mail_from": address, "rcpt_to": [], "mail_parameters": parameters, "rcpt_parameters": []}
        await self.say("250 2.1.0 ok")

    async def rcpt(self, text):
        address, parameters = self.path(text)
        hook = re.match(r"reject-([45]\d\d)-", address)
        if hook:
            await self.say(f"{hook.group(1)} {hook.group(1)[0]}.1.1 user unknown, as asked")
            return
        self.envelope["rcpt_to"].append(address)
        self.envelope["rcpt_parameters"].append(parameters)
        await self.say("250 2.1.5 ok")

    async def data(self):
        if not self.envelope or not self.envelope["rcpt_to"]:
            await self.say("554 5.5.1 no valid recipients")
            return
        await self.say("354 go on")
        lines = []
        while (line := await self.reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        slow = re.match(r"slow-(\d+)-", self.envelope["rcpt_to"][0])
        if slow:
            await asyncio.sleep(int(slow.group(1)))
        number = self.sink.keep(self.envelope, b"".join(lines))
        self.envelope = None
        await self.say(f"250 2.0.0 kept as {number}")


async def serve(port, directory):
    sink = Sink(directory)
    server = await asyncio.start_server(sink.talk, "127.0.0.1", port, limit=LINE_MAX, backlog=1024)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with server:
        await ending.wait()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--dir", required=True)
    options.add_argument("--port", type=int, required=True)
    given = options.parse_args()
    asyncio.run(serve(given.port, given.dir))


if __name__ == "__main__":
    main()
