import { readFile } from "node:fs/promises";
import { becomes } from "./eventually.js";
import type { TestFleet } from "./test-fleet.js";

/** Puts a `ConfigFile` for this agent and waits until the agent has written it. */
export async function putFile(fleet: TestFleet, agent: string, name: string, content: string): Promise<void> {
  await fleet.api.put(agent, "ConfigFile", name, { path: name, content });
  await fileHolds(fleet, agent, name, content);
}

/** Waits until this file of the agent has this content. */
export async function fileHolds(
  fleet: TestFleet,
  agent: string,
  name: string,
  content: string,
): Promise<void> {
  await becomes(`${name} holds ${content}`, async () => {
    const found = await readFile(fleet.path(agent, "files", name), "utf8").catch(() => undefined);
    return found === content;
  });
}
