"""What the agent has to remember, in SQLite. Numbers in brackets are the rules of "The smallest agent" in PROTOCOL.md."""

import contextlib
import json
import sqlite3
import uuid

SPEC, STATUS, DELETE = (f"hawser.resource.{what}.v1" for what in ("spec", "status", "delete"))
SCHEMA = """
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS own (store TEXT, peer TEXT, floor INTEGER, last INTEGER);
    CREATE TABLE IF NOT EXISTS applied (resourceid TEXT PRIMARY KEY, eventid INTEGER);
    CREATE TABLE IF NOT EXISTS copies (kind TEXT, name TEXT, uid TEXT, version INTEGER, status TEXT, PRIMARY KEY (kind, name));
    CREATE TABLE IF NOT EXISTS mailbox (version INTEGER PRIMARY KEY, resourceid TEXT UNIQUE, event TEXT);
    CREATE TABLE IF NOT EXISTS commands (place INTEGER PRIMARY KEY, resourceid TEXT, eventid INTEGER, type TEXT, data TEXT);
    INSERT INTO own SELECT '{store}', '', 0, 0 WHERE NOT EXISTS (SELECT * FROM own);
    COMMIT;
"""


class Store:
    """[1] All that the agent has to remember."""

    def __init__(self, file):
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.executescript("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        self.db.executescript(SCHEMA.format(store=uuid.uuid4()))

    @contextlib.contextmanager
    def commit(self):
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db.execute
            self.db.execute("COMMIT")
        finally:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def value(self, query, *values):
        row = self.db.execute(query, values).fetchone()
        return row and row[0]

    def settled(self):  # [11]
        return str(self.value("SELECT ifnull(min(version) - 1, (SELECT last FROM own)) FROM mailbox"))

    def meet(self, peer):  # [5]
        if self.value("SELECT peer FROM own") != peer:
            with self.commit() as do:
                do("DELETE FROM applied")
                do("UPDATE own SET peer = ?, floor = 0", (peer,))
                do("INSERT OR REPLACE INTO mailbox SELECT version, name || '_' || uid, status FROM copies")

    def raise_floor(self, settled):  # [6]
        if settled > self.value("SELECT floor FROM own"):
            with self.commit() as do:
                do("UPDATE own SET floor = ?", (settled,))
                do("DELETE FROM applied WHERE eventid <= ?", (settled,))

    def mailbox(self):
        return self.db.execute("SELECT version, resourceid, event FROM mailbox ORDER BY version")

    def forget(self, resourceid, version):  # [13]
        self.db.execute("DELETE FROM mailbox WHERE resourceid = ? AND version = ?", (resourceid, version))

    def knows(self, resourceid, version):  # [8]
        applied = self.value("SELECT eventid FROM applied WHERE resourceid = ?", resourceid)
        return version <= max(self.value("SELECT floor FROM own"), applied or 0)

    def record(self, event, status, envelope):  # [9]
        resourceid, version, data = event["resourceid"], int(event["eventid"]), event.get("data")
        with self.commit() as do:
            do("INSERT OR REPLACE INTO applied VALUES (?, ?)", (resourceid, version))
            if event["type"] == SPEC:
                do("UPDATE own SET last = last + 1")
                mine = self.value("SELECT last FROM own")
                kind, name, uid = data["kind"], data["name"], data["uid"]
                report = {**envelope, "id": f"{uid}-{mine}", "type": STATUS, "subject": f"{kind}/{name}"}  # [11]
                of_it = {"kind": kind, "name": name, "uid": uid, "status": status, "observed": str(version)}
                text = json.dumps({**report, "resourceid": resourceid, "eventid": str(mine), "data": of_it})
                do("INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?, ?)", (kind, name, uid, mine, text))
                do("INSERT OR REPLACE INTO mailbox VALUES (?, ?, ?)", (mine, resourceid, text))
            elif event["type"] == DELETE:
                of_it = (data["kind"], data["name"], data["uid"])
                do("DELETE FROM copies WHERE kind = ? AND name = ? AND uid = ?", of_it)
                do("DELETE FROM mailbox WHERE resourceid = ?", (resourceid,))
            else:  # A command of this agent is done by being kept, so its effect is in the same commit.
                row = (resourceid, version, event["type"], json.dumps(data))
                do("INSERT INTO commands (resourceid, eventid, type, data) VALUES (?, ?, ?, ?)", row)
