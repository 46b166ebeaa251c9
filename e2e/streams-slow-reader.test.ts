import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

/** Long, so that the buffers of the system are full after a few thousand steps. */
const LONG_TYPE = `e2e.${"x".repeat(900)}`;
const BATCH = 500;
/** Less than the steps between falling behind too far and being forgotten, so that one of the bursts ends between the two. */
const BURST_GROWTH = 2_500;
const MAX_BURST = 60_000;

/** A reader that can stop reading, with a connection of its own. HTTP/1.0, so that the body is what comes. */
class RawReader {
  readonly socket: Socket;
  /** The names of what it was told. */
  readonly names: string[] = [];
  /** The versions of the events it was told of, in that order. */
  readonly versions: number[] = [];
  lastId: string | undefined;
  #rest = "";
  #heard: () => void = () => {};

  constructor(fleet: TestFleet, lastEventId?: string) {
    const { server, authorization } = fleet.api;
    const { hostname, port } = new URL(server);
    this.socket = connect(Number(port), hostname);
    onTestFinished(() => void this.socket.destroy());
    this.socket.setEncoding("latin1").on("data", (chunk: string) => this.#read(chunk));
    this.socket.on("close", () => this.#heard());
    const resume = lastEventId === undefined ? "" : `last-event-id: ${lastEventId}\r\n`;
    const own = Object.entries({ host: "localhost", ...authorization }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.socket.write(`GET /v1/streams/events HTTP/1.0\r\n${own.join("")}${resume}\r\n`);
  }

  /** Reads until that is so, or the stream has ended. */
  async until(what: () => boolean): Promise<void> {
    this.socket.resume();
    while (!what() && !this.socket.closed) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("id: ")) this.lastId = line.slice(4);
      else if (line.startsWith("event: ")) this.names.push(line.slice(7));
      const version = /"eventid":"(\d+)"/.exec(line)?.[1];
      if (version !== undefined) this.versions.push(Number(version));
    }
    this.#heard();
  }
}

it("a reader that stops reading is told that it lagged, and resumes without a gap", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  let sent = 0;

  async function publish(count: number): Promise<void> {
    for (const end = sent + count; sent < end; ) {
      const events = Array.from({ length: BATCH }, (_, index) => ({
        specversion: "1.0",
        source: "/e2e",
        id: `${sent + index + 1}`,
        type: LONG_TYPE,
        resourceid: `order_${sent + index + 1}`,
      }));
      const type = "application/cloudevents-batch+json";
      const { body } = await fleet.api.request(
        "POST",
        "/v1/agents/away/events",
        JSON.stringify(events),
        type,
      );
      const { items } = z.object({ items: z.array(z.object({ eventid: z.string() })) }).parse(body);
      expect(items).toHaveLength(BATCH);
      sent += BATCH;
    }
  }

  for (let burst = 5_000; ; burst += BURST_GROWTH) {
    expect(burst, "how much the connection takes").toBeLessThan(MAX_BURST);
    const first = sent + 1;
    const slow = new RawReader(fleet);
    await slow.until(() => slow.lastId !== undefined);
    slow.socket.pause();
    await publish(burst);
    await slow.until(() => slow.versions.at(-1) === sent);
    if (!slow.socket.closed) {
      // The connection took all of it.
      slow.socket.destroy();
      continue;
    }
    expect(slow.names.at(-1)).toBe("lagged");
    const resumed = new RawReader(fleet, slow.lastId);
    await resumed.until(() => resumed.versions.at(-1) === sent);
    expect(resumed.names).not.toContain("gap");
    const told = [...slow.versions, ...resumed.versions];
    expect(slow.versions.length).toBeLessThan(burst);
    expect(told).toEqual(Array.from({ length: burst }, (_, index) => first + index));
    return;
  }
});
