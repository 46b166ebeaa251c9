import { systemRuntime } from "@hawser/runtime";
import type { Acceptor } from "@hawser/transport";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BoundAddress, UnixAddress, UnixListenerOptions } from "./listener-options.js";
import { createInternalListener } from "./create-listener.js";
import type { Listener } from "./listener.js";

const cleanups: (() => Promise<unknown> | void)[] = [];
let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-"));
  cleanups.push(() => rm(directory, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Says what it was told of each socket. */
const telling: Acceptor = {
  alpn: "http/1.1",
  start: async () => {},
  stop: async () => {},
  accept: (socket, info) => void socket.end(JSON.stringify(info)),
};

function listenerAt(options: UnixListenerOptions): Listener<BoundAddress | UnixAddress> {
  const listener = createInternalListener(options, { runtime: systemRuntime(), acceptors: [telling] });
  cleanups.push(() => listener.stop());
  return listener;
}

async function ask(path: string): Promise<unknown> {
  const socket: Socket = connect({ path });
  socket.write("GET / HTTP/1.1\r\n\r\n");
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
  await once(socket, "close");
  return JSON.parse(answer);
}

describe("a listener on a Unix socket", () => {
  it("serves, tells its clients apart, and removes the file when it stops", async () => {
    const path = join(directory, "a.sock");
    const listener = listenerAt({ path });
    expect(await listener.start()).toEqual({ path });
    expect(await ask(path)).toEqual({ address: `unix:${path}#1`, internal: true });
    expect(await ask(path)).toEqual({ address: `unix:${path}#2`, internal: true });
    await listener.stop();
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    [undefined, 0o600],
    [0o600, 0o600],
    [0o660, 0o660],
  ])("lets in whom mode %s says, whatever the umask is", async (mode, expected) => {
    const before = process.umask(0);
    cleanups.push(() => void process.umask(before));
    const path = join(directory, "a.sock");
    await listenerAt({ path, ...(mode === undefined ? {} : { mode }) }).start();
    expect(statSync(path).mode & 0o777).toBe(expected);
  });

  it("replaces what a killed process left", async () => {
    const path = join(directory, "a.sock");
    const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(path)).toBe(true);
    await listenerAt({ path }).start();
    expect(await ask(path)).toMatchObject({ internal: true });
  });

  it("refuses the socket of a living process by its name, and leaves it alone", async () => {
    const path = join(directory, "a.sock");
    await listenerAt({ path }).start();
    const second = listenerAt({ path });
    await expect(second.start()).rejects.toMatchObject({
      code: "port_in_use",
      message: `unix:${path} is in use by another process; stop it, or set internal.listen.path to another file`,
    });
    await second.stop();
    expect(await ask(path)).toMatchObject({ internal: true });
  });

  it("leaves a file alone that is no socket", async () => {
    const path = join(directory, "notes.txt");
    writeFileSync(path, "kept");
    await expect(listenerAt({ path }).start()).rejects.toMatchObject({
      code: "address_unavailable",
      message: expect.stringContaining(`${path} is there and is no socket`),
    });
    expect(statSync(path).size).toBe(4);
  });

  it("names a directory that is not there", async () => {
    await expect(listenerAt({ path: join(directory, "gone", "a.sock") }).start()).rejects.toMatchObject({
      code: "address_unavailable",
      message: expect.stringContaining("the directory of"),
    });
  });

  it("can be started again after a failure", async () => {
    const path = join(directory, "a.sock");
    const inTheWay = createServer().listen(path);
    await once(inTheWay, "listening");
    const listener = listenerAt({ path });
    await expect(listener.start()).rejects.toMatchObject({ code: "port_in_use" });
    inTheWay.close();
    expect(await listener.start()).toEqual({ path });
  });

  it.each([
    [{ path: "" }, "internal.listen.path must be the path of a file"],
    [{ path: `/${"a".repeat(200)}` }, "internal.listen.path is 201 bytes long"],
    [{ path: "/run/a.sock", mode: 0o666 }, "internal.listen.mode must be 0600 or 0660, not 0666"],
  ])("refuses %o", (options, message) => {
    expect(() => listenerAt(options)).toThrow(message);
  });
});
