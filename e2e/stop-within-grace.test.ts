import { execFileSync } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { becomes } from "./support/eventually.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// A thread of Node's pool that hangs (a name look-up, a file system that does not answer) makes an orderly exit wait for it. Here it is the read of a token file that has become
// a pipe nobody writes to.

/** An agent one of whose threads hangs: it opens its token to dial again. */
async function hangingAgent(fleet: TestFleet): Promise<ServiceProcess> {
  await fleet.startPrincipal();
  const token = fleet.path("token");
  await writeFile(token, "not-asked-for-here");
  const agent = await fleet.agent("edge-1", { args: ["--token-file", token] });
  await agent.start();
  await fleet.connected("edge-1");
  execFileSync("mkfifo", [fleet.path("pipe")]);
  await rename(fleet.path("pipe"), token);
  await becomes("a thread of the agent hangs", () => isOpeningPipe(agent.pid));
  return agent;
}

/** True when a thread of this process waits for the other end of a pipe it opens. */
function isOpeningPipe(pid: number): boolean {
  const stacks = execFileSync("sh", ["-c", `cat /proc/${pid}/task/*/wchan || true`], { encoding: "utf8" });
  return /wait_for_partner|fifo_open/.test(stacks);
}

// Node before 22.15 cannot replace its process, so there the agent ends by its own SIGKILL.
const ENDS = [
  { code: 0, signal: null },
  { code: null, signal: "SIGKILL" },
];

it.skipIf(process.platform !== "linux")(
  "an agent one of whose threads hangs says goodbye and ends when it is asked to",
  async () => {
    const fleet = await createTestFleet();
    const agent = await hangingAgent(fleet);
    expect(ENDS).toContainEqual(await agent.stop());
    await becomes("it said goodbye", async () => (await fleet.api.agent("edge-1")).state === "disconnected");
  },
);

it("a principal that a connection holds ends within the time its settings give, and says what was left", async () => {
  const fleet = await createTestFleet([
    "--stop-timeout",
    "500ms",
    "--stop-window",
    "60s",
    "--stop-shape",
    "handover",
  ]);
  await fleet.startPrincipal();
  for (const name of ["edge-1", "edge-2", "edge-3"]) {
    await (await fleet.agent(name)).start();
    await fleet.connected(name);
  }
  expect(ENDS.with(0, { code: 1, signal: null })).toContainEqual(await fleet.principal.stop());
  expect((await fleet.principal.logLines()).at(-1)).toMatchObject({
    level: "error",
    code: "timeout",
    msg: "hawser-principal did not stop within 500 ms (--stop-timeout); it still waits for the sessions of its agents",
  });
});
