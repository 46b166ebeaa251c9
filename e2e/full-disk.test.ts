import { execFile } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Bystander } from "./support/bystander.js";
import { becomes, eventually } from "./support/eventually.js";
import { checkJournal, readJournal } from "./support/journal.js";
import { Refusal } from "./support/principal-api.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const run = promisify(execFile);
/** Room for a store and for what LevelDB keeps in reserve. */
const DISK_BYTES = 48 * 1024 * 1024;

/** A small disk of its own at this place, for the length of the test; false where mounting is not allowed. */
async function mountDisk(fleet: TestFleet, place: string): Promise<boolean> {
  await mkdir(place, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", place]);
  } catch {
    return false;
  }
  fleet.atEnd(async () => {
    await run("umount", [place]);
  });
  return true;
}

/** Takes up all the room there is; answers how to give it back. */
async function fillDisk(place: string): Promise<() => Promise<void>> {
  const ballast = `${place}/ballast`;
  const file = await open(ballast, "w");
  for (let bytes = 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    const block = Buffer.alloc(bytes, 1);
    for (;;) {
      try {
        await file.write(block);
      } catch {
        break;
      }
    }
  }
  await file.close();
  return () => rm(ballast);
}

const canMount = process.platform === "linux" && process.getuid?.() === 0;

describe.runIf(canMount)("a full disk (a tmpfs that is really full)", () => {
  it("of the principal: 507 store_full, what is there can be read, nothing accepted is lost, and sessions go on when there is room", async ({
    skip,
  }) => {
    const fleet = await createTestFleet();
    const place = fleet.path("principal");
    if (!(await mountDisk(fleet, place))) skip("this machine does not allow mounts");
    await fleet.startPrincipal();
    const bystander = new Bystander(fleet);
    await bystander.start();
    const agent = await fleet.journalAgent("edge");
    await agent.start();
    await fleet.connected("edge");
    const accepted = new Map<string, string>();
    const publish = async (n: number): Promise<void> => {
      const id = `order-${n}`;
      const event = { id, type: "e2e.order.v1", resourceid: `${id}_u1`, data: "x".repeat(50_000) };
      accepted.set(id, (await fleet.api.post("edge", event)).eventid);
    };
    await publish(0);

    const makeRoom = await fillDisk(place);
    const refusal = await eventually("a publisher is refused", async () => {
      try {
        await publish(accepted.size);
        return undefined;
      } catch (thrown) {
        if (thrown instanceof Refusal) return thrown;
        throw thrown;
      }
    });
    expect(refusal).toMatchObject({ status: 507, code: "store_full" });
    expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThan(0);
    await fleet.principal.logged("the full disk", (line) => line["code"] === "store_full");

    // What was accepted can be read: the disk is full, not gone.
    expect((await fleet.api.agents()).map(({ name, state }) => [name, state])).toEqual([
      ["bystander", "connected"],
      ["edge", "connected"],
    ]);
    expect((await fleet.api.resource("bystander", "ConfigFile", "log")).status).toBeDefined();
    expect(await fleet.api.resources("bystander")).toHaveLength(1);
    expect(await fleet.api.deadLetters("edge")).toEqual([]);
    expect(await fleet.api.metric("hawser_dead_letter_events", 'agent="edge"')).toBe(0);
    expect((await fleet.api.request("GET", "/v1/info")).status).toBe(200);
    // A session that would begin now cannot be written down; its agent is told why.
    const late = await fleet.journalAgent("late");
    await late.start();
    await late.logged("the refusal", (line) => line["code"] === "store_full");

    await makeRoom();
    await becomes("publishers are let in again", async () => {
      await publish(accepted.size);
      return true;
    });
    await becomes("all of it arrives", async () => (await fleet.api.agent("edge")).pending === 0);
    const { ran, violations } = checkJournal(await readJournal(fleet.path("edge", "journal")));
    expect(violations).toEqual([]);
    for (const [id, eventid] of accepted) expect(ran.get(`${id}_u1@${eventid}`), id).toBe("command");
    await fleet.connected("late");
    await bystander.isUnharmed();
  });

  it("of an agent: NACK store_full, the others notice nothing, and it goes on by itself", async ({
    skip,
  }) => {
    const fleet = await createTestFleet();
    const place = fleet.path("edge", "data");
    if (!(await mountDisk(fleet, place))) skip("this machine does not allow mounts");
    await fleet.startPrincipal();
    const bystander = new Bystander(fleet);
    await bystander.start();
    const agent = await fleet.journalAgent("edge");
    await agent.start();
    await fleet.connected("edge");

    const makeRoom = await fillDisk(place);
    // A record is small and some of the last block is always free: there have to be many.
    let accepted = 0;
    const refusal = await eventually("the agent says that it cannot record", async () => {
      for (let n = 0; n < 25; n += 1) {
        const id = `order-${accepted}`;
        await fleet.api.post("edge", { id, type: "e2e.order.v1", resourceid: `${id}-${"o".repeat(200)}_u1` });
        accepted += 1;
      }
      return (await agent.logLines()).find((line) => line["code"] === "store_full");
    });
    expect(refusal.msg).toBeTruthy();
    await becomes(
      "the principal hears of it",
      async () =>
        (await fleet.api.metric("hawser_events_nacked_total", 'agent="edge"', 'retryable="true"')) > 0,
    );
    await bystander.isUnharmed();
    expect((await fleet.api.agent("edge")).pending).toBeGreaterThan(0);
    expect(await fleet.api.deadLetters("edge")).toEqual([]);

    await makeRoom();
    await becomes("all of it arrives", async () => (await fleet.api.agent("edge")).pending === 0, 60_000);
    const lines = await readJournal(fleet.path("edge", "journal"));
    const { ran } = checkJournal(lines);
    expect(ran.size).toBe(accepted);
    // What could not be recorded ran again, and was told so; what was acknowledged did not.
    expect(checkJournal(lines).violations.filter((what) => what.includes("after its ACK"))).toEqual([]);
    await bystander.isUnharmed();
  });
});
