"""An agent made of "The smallest agent" in PROTOCOL.md. Numbers in brackets are the rules of that page."""

import argparse
import json
import os
import pathlib
import random
import re
import signal
import sqlite3
import threading
import time
import uuid

from notes import Notes, Refusal
from store import DELETE, SPEC, Store
from websocket_client import Closed, Refused, WebSocket

WINDOW = 16
GRACE_S = 10
TICK_S = 0.1


def log(msg, **more):
    os.write(1, (json.dumps({"msg": msg, **more}) + "\n").encode())


def backoff(n, longest_s=120):  # [15]
    return 0.25 + random.random() * (min(longest_s, 0.25 * 2 ** min(n, 20)) - 0.25)


class Session:
    """One connection, from hello to its end."""

    def __init__(self, agent, socket):
        self.agent, self.store, self.socket = agent, agent.store, socket
        self.phase, self.deadline = "greeting", time.monotonic() + GRACE_S  # then open, leaving, finishing, closing
        self.heard_at = time.monotonic()
        self.opened_at = self.slot = self.asked = None
        self.under_way = {}  # by resourceid: version, bytes
        self.refused = {}  # by version: how often, when it is due

    def run(self):
        """Answers with the code the connection ended with."""
        store = self.store.value("SELECT store FROM own")
        hello = {"agent": self.agent.name, "protocol_versions": ["1"], "store": store, "window": WINDOW}
        self.say("hello", **hello, settled=self.store.settled(), software="python-agent/1.0")  # [4]
        try:
            while True:
                text = self.socket.receive(TICK_S)
                self.heard_at = time.monotonic() if text is not None else self.heard_at
                if text is not None:
                    self.hear(text)
                self.tick(time.monotonic())
        except Closed as end:
            return end.code
        except (sqlite3.Error, OSError) as error:  # [9]
            log("broken", error=repr(error))
            self.close(1011)
            return 1006
        finally:
            self.socket.cut()

    def envelope(self):
        return {"specversion": "1.0", "source": f"/agents/{self.agent.name}", "datacontenttype": "application/json"}

    def say(self, control, **data):  # [3]
        message = {**self.envelope(), "id": str(uuid.uuid4()), "type": f"hawser.control.{control}.v1", "data": data}
        self.socket.send(json.dumps(message))

    def hear(self, text):
        try:
            event = json.loads(text)
            control = re.fullmatch(r"hawser\.control\.(\w+)\.v1", event["type"])
        except (ValueError, TypeError, KeyError):
            return self.close(1007)
        if self.phase == "closing" and (control is None or control[1] != "drain"):
            return None
        try:
            if control is None:
                return self.take(event)
            return getattr(self, f"on_{control[1]}")(**event["data"])
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            log("a message that makes no sense", type=event["type"], error=repr(error))
            self.close(1002)

    def on_welcome(self, store, window, settled, heartbeat_interval_ms, heartbeat_timeout_ms, window_bytes=2**53, **_):
        if self.phase != "greeting":
            raise ValueError("a second welcome")
        self.store.meet(store)
        self.store.raise_floor(int(settled))
        self.window, self.window_bytes = window, window_bytes
        self.phase, self.opened_at = "open", time.monotonic()
        self.interval_s = heartbeat_interval_ms / 1000  # [7]
        self.beat_at = self.opened_at + random.random() * self.interval_s
        self.silence_s = random.uniform(1, 2) * heartbeat_timeout_ms / 1000
        self.renew_at = self.opened_at + (self.agent.renew_s or random.uniform(900, 2700))
        log("connected")

    def on_refuse(self, code, message, retry_after_ms=None, **_):
        log("refused", code=code, message=message)
        self.asked = None if retry_after_ms is None else retry_after_ms / 1000

    def on_heartbeat(self, settled, **_):
        self.store.raise_floor(int(settled))

    def on_ack(self, acks, **_):  # [13]
        for key in acks:
            self.answered(key["resourceid"], int(key["eventid"]))

    def on_nack(self, resourceid, eventid, retryable, code, message, **_):
        log("a status was refused", resourceid=resourceid, eventid=eventid, code=code, message=message)
        times = self.refused.get(int(eventid), (0, 0))[0] + 1
        self.answered(resourceid, int(eventid), is_kept=retryable)
        self.refused[int(eventid)] = (times, time.monotonic() + backoff(times))

    def answered(self, resourceid, version, is_kept=False):
        if self.under_way.get(resourceid, (0, 0))[0] == version:
            del self.under_way[resourceid]
        if not is_kept:
            self.store.forget(resourceid, version)

    def on_drain(self, reconnect_after_ms, **_):  # [14]
        log("drain", reconnect_after_ms=reconnect_after_ms)
        self.slot = time.monotonic() + reconnect_after_ms / 1000
        self.leave("drain")

    def on_goodbye_ack(self, **_):
        if self.phase != "leaving":
            raise ValueError("a goodbye_ack without a goodbye")
        self.phase, self.deadline = "finishing", time.monotonic() + GRACE_S

    def send_mailbox(self):  # [12]
        for version, resourceid, text in self.store.mailbox():
            sizes = [size for _, size in self.under_way.values()]
            size = len(text.encode())
            if sizes and (len(sizes) >= self.window or sum(sizes) + size > self.window_bytes):
                return
            if resourceid not in self.under_way and self.refused.get(version, (0, 0))[1] <= time.monotonic():
                self.under_way[resourceid] = (version, size)
                self.socket.send(text)

    def take(self, event):  # [8]
        key = {"resourceid": event["resourceid"], "eventid": event["eventid"]}
        is_key = isinstance(key["resourceid"], str) and re.fullmatch("[1-9][0-9]*", key["eventid"])
        if not is_key or self.phase not in ("open", "leaving"):
            raise ValueError("an event out of place, or without a key")
        if not self.store.knows(key["resourceid"], int(key["eventid"])):
            log("apply", **key, type=event["type"], subject=event.get("subject"))
            try:
                status = self.effect(event["type"], event.get("data"))
            except Refusal as refusal:  # [10]
                return self.refuse(**key, retryable=False, code=refusal.code, message=str(refusal))
            except OSError as error:
                return self.refuse(**key, retryable=True, code="handler_failed", message=str(error))
            self.store.record(event, status, self.envelope())
            log("recorded", **key)
        self.say("ack", acks=[key])

    def refuse(self, **nack):
        log("not applied", **nack)
        self.say("nack", **nack)

    def effect(self, event_type, data):
        if event_type not in (SPEC, DELETE):
            if event_type.startswith("hawser."):
                raise Refusal("unknown_type", f"{event_type} is not for an agent")
            return None
        try:
            kind, name, uid = (data[each] for each in ("kind", "name", "uid"))
        except (KeyError, TypeError):
            raise Refusal("invalid_event", "a kind, a name and a uid have to be in the data") from None
        notes = self.agent.notes
        held = self.store.value("SELECT uid FROM copies WHERE kind = ? AND name = ?", kind, name)
        if event_type == SPEC and kind != notes.KIND:
            raise Refusal("no_handler", f"this agent knows no {kind}")
        if held is not None and (held == uid) == (event_type == DELETE):
            notes.remove(name)
        return notes.make(name, data.get("spec")) if event_type == SPEC else None

    def leave(self, reason):  # [14]
        if self.phase == "open":
            self.say("goodbye", reason=reason)
            self.phase, self.deadline = "leaving", time.monotonic() + GRACE_S

    def close(self, code):
        self.socket.close(code)
        self.phase, self.deadline = "closing", time.monotonic() + GRACE_S

    def tick(self, now):
        is_late, is_stopping = now > self.deadline, self.agent.stop.is_set()
        if self.phase == "finishing" and (is_late or not self.under_way):
            self.close(1000)
        elif self.phase == "greeting" and (is_late or is_stopping):
            self.close(4000 if is_late else 1000)
        elif self.phase in ("leaving", "closing") and is_late:
            self.socket.cut()
        if self.opened_at is None or self.phase == "closing":
            return
        if now - self.heard_at > self.silence_s:  # [7]
            self.socket.cut()
        if now > self.beat_at:
            self.say("heartbeat", settled=self.store.settled())
            self.beat_at = now + self.interval_s
        if now > self.renew_at or is_stopping:
            self.leave("stopping" if is_stopping else "rotation")
        if self.phase == "open":
            self.send_mailbox()


class Agent:
    def __init__(self, name, url, data, token, renew_s, longest_s):
        self.name, self.url, self.renew_s, self.longest_s = name, url, renew_s, longest_s
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.notes = Notes(data / "notes")
        self.store = Store(data / "agent.db")
        self.stop = threading.Event()
        self.failures = self.refusals = 0

    def run(self):
        while not self.stop.is_set():
            session, asked = None, None
            try:
                session = Session(self, WebSocket(f"{self.url}/v1/connect", "cloudevents.json", self.headers, GRACE_S))  # [2]
                code = session.run()
                asked = session.asked
            except Refused as refused:
                code = {401: 4003, 403: 4004}.get(refused.status, 1006)
                after_ms = refused.headers.get("hawser-retry-after-ms", "")
                asked = int(after_ms) / 1000 if refused.status in (429, 503) and after_ms.isdigit() else None
            except OSError as error:
                code = 1006
                log("no connection", error=str(error))
            wait_s = self.wait_s(code, asked, session)
            log("ended", code=code, next_try_in_s=round(wait_s, 3))
            self.stop.wait(wait_s)

    def wait_s(self, code, asked, session):  # [15]
        lived_s = time.monotonic() - session.opened_at if session and session.opened_at else 0
        self.refusals = 0 if lived_s else self.refusals
        self.failures = 0 if lived_s >= 60 else self.failures
        if session and session.slot:
            return max(session.slot - time.monotonic(), 0 if lived_s >= 5 else 0.25)
        if code in (4003, 4004, 4005, 4010, 4011):
            log("a person has to look at this", code=code)
            self.refusals += 1
            return max(asked or 0, min(600, 30 * 2 ** min(self.refusals - 1, 20)) * random.uniform(0.5, 1))
        if asked is not None:
            return max(asked, 0.25)
        if code in (1000, 1001) and lived_s >= 5:
            return 0
        self.failures += 1
        return backoff(self.failures, self.longest_s)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--name", required=True)
    options.add_argument("--url", default="ws://127.0.0.1:7480", help="of the principal (%(default)s)")
    options.add_argument("--data-dir", type=pathlib.Path, default="python-agent-data", help="its store and its notes (%(default)s)")
    options.add_argument("--token-file", type=pathlib.Path, help="a bearer token, where the principal wants one")
    options.add_argument("--renew-after", type=float, help="seconds until it renews its session (drawn from 15 to 45 minutes)")
    options.add_argument("--reconnect-max", type=float, default=120, help="seconds it waits at most after failures (%(default)s)")
    options.add_argument("--ready-file", type=pathlib.Path, help="written once the store is open")
    given = options.parse_args()
    token = given.token_file and given.token_file.read_text().strip()
    agent = Agent(given.name, given.url, given.data_dir, token, given.renew_after, given.reconnect_max)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop.set())
    if given.ready_file:
        given.ready_file.write_text("{}\n")
    log("started")
    agent.run()


if __name__ == "__main__":
    main()
