import { accessSync, constants, lstatSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { dirname } from "node:path";
import { unixPathProblem } from "@hawser/runtime";
import { fail, ok, warn, type Check } from "./check.js";

/** Could a service listen there. A port that is taken is what one wants while the principal runs, and an obstacle before. */
export async function checkPort(address: string): Promise<Check> {
  if (address.startsWith("unix:")) return checkUnixSocket(address);
  const name = `port ${address}`;
  const [, host = "", port = ""] = /^(?:\[?([^\]]*?)\]?:)?(\d{1,5})$/.exec(address) ?? [];
  if (port === "" || Number(port) > 65_535)
    return fail(name, "is no address", "give --port 7480, 127.0.0.1:7480, [::1]:7480 or unix:/path");
  const code = await new Promise<string | undefined>((done) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    server.listen(Number(port), host || "127.0.0.1", () => server.close(() => done(undefined)));
  });
  if (code === undefined) return ok(name, "free");
  if (code === "EADDRINUSE")
    return warn(
      name,
      "taken",
      `fine if that is your service; else stop what holds it (ss -ltnp 'sport = :${port}'), or choose another port`,
    );
  if (code === "EACCES") return fail(name, "not allowed for this user", "choose a port above 1023");
  return fail(name, code, "choose an address of this machine");
}

/** As for a port, and what stands in the way of the file. */
async function checkUnixSocket(address: string): Promise<Check> {
  const name = `port ${address}`;
  const path = address.slice("unix:".length);
  const problem = path.startsWith("/") ? unixPathProblem(path) : "must be absolute";
  if (problem !== undefined)
    return fail(name, `the path ${problem}`, "give --port unix:/run/hawser/internal.sock");
  const directory = dirname(path);
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return ok(name, "free");
    if (!found.isSocket())
      return fail(name, "a file is there that is no socket", "choose another file, or move this one");
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return fail(name, reason, `make ${directory} a directory that this user can write`);
  }
  const code = await knock(path);
  if (code === "ECONNREFUSED")
    return ok(name, "free: a process that is gone left it, and the next one replaces it");
  if (code !== undefined) return fail(name, code, "look at who owns it (ls -l), or choose another file");
  const mode = (statSync(path).mode & 0o777).toString(8).padStart(4, "0");
  return warn(
    name,
    `taken, mode ${mode}`,
    `fine if that is your service; else stop what holds it (ss -lxp 'src = ${path}'), or choose another file`,
  );
}

/** Undefined when somebody answers. */
function knock(path: string): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      done(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}
