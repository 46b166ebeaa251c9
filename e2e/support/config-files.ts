import { readFile } from "node:fs/promises";
import { becomes } from "./eventually.js";
import type { World } from "./world.js";

/** Puts a `ConfigFile` for this agent and waits until the agent has written it. */
export async function putFile(world: World, agent: string, name: string, content: string): Promise<void> {
  await world.api.put(agent, "ConfigFile", name, { path: name, content });
  await fileHolds(world, agent, name, content);
}

/** Waits until this file of the agent has this content. */
export async function fileHolds(world: World, agent: string, name: string, content: string): Promise<void> {
  await becomes(`${name} holds ${content}`, async () => {
    const found = await readFile(world.path(agent, "files", name), "utf8").catch(() => undefined);
    return found === content;
  });
}
