import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { becomes } from "./support/eventually.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// What systemd hears of a service of Type=notify: by a datagram socket as systemd has one, and by the program of systemd that speaks to it.

const isThere = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;
const missing = ["systemd-notify", "python3"].filter((program) => !isThere(program));
const why = missing.length === 0 ? "" : ` (not here: ${missing.join(", ")})`;

/** Prints each datagram on one line; what comes with it is let go of, which tells a sender that waits that it was read. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(receiver.recv(65536).decode().strip().replace("\\n", " | "), flush=True)
`;

/** A socket as that of a service manager, and what it has heard. */
async function serviceManager(path: string): Promise<readonly string[]> {
  const child = spawn("python3", ["-c", RECEIVER, path], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  const heard: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => heard.push(line));
  await becomes("the socket is there", () => heard.includes("bound"));
  return heard;
}

/** What it was told, but for the signs of life and the end of each message. */
const states = (heard: readonly string[]): readonly string[] =>
  heard.filter((message) => !/^(?:bound|BARRIER=1|WATCHDOG=1)$/.test(message));

async function notifyingWorld(
  env: Readonly<Record<string, string>>,
): Promise<TestFleet & { socket: string }> {
  const place = await createTestFleet();
  const socket = place.path("notify.sock");
  return Object.assign(await createTestFleet([], { NOTIFY_SOCKET: socket, ...env }), { socket });
}

describe.skipIf(missing.length > 0)(`a service manager${why}`, () => {
  it("hears when a principal serves, reads its files again and stops, and that it is alive", async () => {
    const fleet = await notifyingWorld({ WATCHDOG_USEC: "400000" });
    const heard = await serviceManager(fleet.socket);
    await fleet.startPrincipal();
    await becomes("it is ready", () => states(heard).length === 1);
    expect(states(heard)[0]).toMatch(/^READY=1 \| STATUS=hawser-principal \d+\.\d+\.\d+ serves$/);
    const signs = () => heard.filter((message) => message === "WATCHDOG=1").length;
    await becomes("it is alive", () => signs() > 2);
    fleet.principal.signal("SIGHUP");
    await becomes("it is ready again", () => states(heard).length === 3);
    expect(states(heard)[1]).toMatch(/^RELOADING=1 \| STATUS=/);
    expect(states(heard)[2]).toBe(states(heard)[0]);
    expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
    await becomes("it stops", () => states(heard).length === 4);
    expect(states(heard)[3]).toMatch(/^STOPPING=1 \| STATUS=/);
  });

  it("hears of an agent as well", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const socket = fleet.path("notify.sock");
    const heard = await serviceManager(socket);
    const agent = await fleet.agent("edge", { env: { NOTIFY_SOCKET: socket } });
    await agent.start();
    await becomes(
      "it is ready",
      () => states(heard)[0]?.startsWith("READY=1 | STATUS=hawser-agent ") ?? false,
    );
    await agent.stop();
    await becomes("it stops", () => states(heard)[1]?.startsWith("STOPPING=1 ") ?? false);
    expect(heard).not.toContain("WATCHDOG=1");
  });

  it("does not hear of a start that fails", async () => {
    const fleet = await notifyingWorld({ HAWSER_PRINCIPAL_HEALTH_LISTEN: "192.0.2.1:0" });
    const heard = await serviceManager(fleet.socket);
    await expect(fleet.principal.start()).rejects.toThrow(/ended with 1/);
    expect(states(heard)).toEqual([]);
  });
});

it("without systemd-notify a service says so once, and serves", async () => {
  const fleet = await notifyingWorld({ PATH: "/nowhere" });
  await fleet.startPrincipal();
  const warned = async (): Promise<readonly unknown[]> =>
    (await fleet.principal.logLines()).filter(({ msg }) => msg.includes("service manager"));
  await becomes("it is warned of", async () => (await warned()).length > 0);
  fleet.principal.signal("SIGHUP");
  await fleet.principal.logged("the reload", ({ msg }) => msg.startsWith("read again"));
  expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
  expect(await warned()).toEqual([
    expect.objectContaining({
      level: "warn",
      msg: expect.stringMatching(
        /told READY=1: spawn systemd-notify ENOENT; .* needs systemd-notify on the PATH/,
      ),
    }),
  ]);
});
