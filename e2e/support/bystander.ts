import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { becomes, eventually } from "./eventually.js";
import type { TestFleet } from "./test-fleet.js";

/** A healthy agent beside the trouble: it must not notice. */
export class Bystander {
  readonly name = "bystander";
  readonly #fleet: TestFleet;
  #sessionId = "";
  #writes = 0;

  constructor(fleet: TestFleet) {
    this.#fleet = fleet;
  }

  async start(): Promise<void> {
    const service = await this.#fleet.agent(this.name);
    await service.start();
    await this.isBack();
  }

  /** After trouble that concerns every session: it has one again, and works. */
  async isBack(): Promise<void> {
    this.#sessionId = (await this.#fleet.connected(this.name)).session.id;
    await this.isUnharmed();
  }

  /** It is in the same session as at first, and something sent to it now arrives and is acknowledged. */
  async isUnharmed(): Promise<void> {
    const content = `undisturbed ${++this.#writes}`;
    const { version } = await this.#fleet.api.put(this.name, "ConfigFile", "log", { path: "log", content });
    await eventually("the bystander gets its event", async () => {
      const resource = await this.#fleet.api.resource(this.name, "ConfigFile", "log");
      return resource.observedVersion === version ? resource : undefined;
    });
    expect(await readFile(this.#fleet.path(this.name, "files", "log"), "utf8")).toBe(content);
    await becomes(
      "the bystander acknowledges",
      async () => (await this.#fleet.api.agent(this.name)).pending === 0,
    );
    expect((await this.#fleet.api.agent(this.name)).session?.id).toBe(this.#sessionId);
  }
}
