"""What the agent is for: a Note is a file with the text of its spec. Making and removing one can be repeated."""

import os


class Refusal(Exception):
    """An event that can never be applied."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Notes:
    KIND = "Note"

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def make(self, name, spec):
        """Answers with the status. Raises Refusal, or OSError for what may go better later."""
        if not isinstance(spec, dict) or not isinstance(spec.get("text"), str):
            raise Refusal("handler_rejected", 'the spec of a Note is {"text": <text>}')
        data = spec["text"].encode(errors="replace")
        aside = self.folder / ".new"  # No name begins with a dot.
        with open(aside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, self.folder / name)
        self._sync()
        return {"state": "written", "bytes": len(data)}

    def remove(self, name):
        (self.folder / name).unlink(missing_ok=True)
        self._sync()

    def _sync(self):
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
