import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgent, type Agent } from "@hawser/agent";
import { createPrincipal, type Principal } from "@hawser/principal";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Folder, folderHandler } from "./folder.js";

// A principal and this agent in one process, over a transport in memory: all but the network is real.

let root: string;
let agent: Agent;
let principal: Principal;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "folders-"));
  const { acceptor, dialer } = createMemoryTransport();
  principal = createPrincipal({
    store: createMemoryStore(),
    acceptors: [acceptor],
    stop: { windowMs: 0 },
    // Says nothing: what is refused here is refused on purpose.
    runtime: systemRuntime(),
  });
  agent = createAgent({
    name: "edge-1",
    store: createMemoryStore(),
    dialer,
    handlers: { Folder: folderHandler(root) },
    checkIntervalMs: 100,
    runtime: systemRuntime(),
  });
  await principal.start();
  await agent.start();
});

afterEach(async () => {
  await agent.stop();
  await principal.stop();
  await rm(root, { recursive: true, force: true });
});

const note = () => readFile(join(root, "letters", "note.txt"), "utf8");
const folders = () => principal.resources.of(Folder);
const put = (spec: { readonly note: string }) => folders().put("edge-1", "letters", spec);
const letters = () => folders().get("edge-1", "letters");

test("a folder is made, changed and removed", async () => {
  await put({ note: "by post" });
  await vi.waitFor(async () =>
    expect(await letters()).toMatchObject({ status: { value: { state: "made" } } }),
  );
  expect(await note()).toBe("by post");

  await put({ note: "by pigeon" });
  await vi.waitFor(async () => expect(await note()).toBe("by pigeon"));

  await folders().delete("edge-1", "letters");
  await vi.waitFor(async () => expect(await letters()).toBeUndefined());
  await expect(note()).rejects.toThrow("ENOENT");
});

test("what somebody else removed is made again", async () => {
  await put({ note: "by post" });
  await vi.waitFor(async () =>
    expect(await letters()).toMatchObject({ status: { value: { state: "made" } } }),
  );
  await rm(join(root, "letters"), { recursive: true });
  await vi.waitFor(async () =>
    expect(await letters()).toMatchObject({ status: { value: { state: "mended" } } }),
  );
  expect(await note()).toBe("by post");
});

test("a spec that is none is refused for good, and people see why", async () => {
  await principal.resources.put("edge-1", "Folder", "letters", { note: 7 });
  await vi.waitFor(async () => {
    const [refused] = await principal.deadLetters("edge-1", { limit: 1 });
    expect(refused?.message).toMatch(/note/);
  });
});
