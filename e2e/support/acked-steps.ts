import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { z } from "zod";
import type { TestFleet } from "./test-fleet.js";

const stepSchema = z.object({ eventid: z.string() });

/** Follows the stream of steps, and knows which events of an agent it has acknowledged, by `eventid`. */
export class AckedSteps {
  readonly #waiting = new Map<string, () => void>();
  readonly #acked = new Set<string>();
  readonly #asked: ClientRequest;
  #text = "";

  private constructor(asked: ClientRequest) {
    this.#asked = asked;
  }

  static async follow(fleet: TestFleet, agent: string): Promise<AckedSteps> {
    const url = new URL(`/v1/streams/events?agent=${agent}`, fleet.api.server);
    const asked = request(url, { agent: false, headers: { ...fleet.api.authorization } });
    const steps = new AckedSteps(asked);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.once("response", resolve);
      asked.once("error", reject);
      asked.end();
    });
    if (response.statusCode !== 200) throw new Error(`the stream of steps answered ${response.statusCode}`);
    asked.on("error", () => {});
    response.on("error", () => {});
    response.setEncoding("utf8").on("data", (chunk: string) => steps.#read(chunk));
    return steps;
  }

  /** Resolves once the agent has acknowledged this one. */
  acked(eventid: string): Promise<void> {
    if (this.#acked.has(eventid)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(eventid, resolve));
  }

  stop(): void {
    this.#asked.destroy();
  }

  #read(chunk: string): void {
    const pieces = (this.#text + chunk).split("\n\n");
    this.#text = pieces.pop() ?? "";
    for (const piece of pieces) {
      const lines = piece.split("\n");
      const data = lines.find((line) => line.startsWith("data:"));
      if (data === undefined || !lines.includes("event: acked")) continue;
      const { eventid } = stepSchema.parse(JSON.parse(data.slice("data:".length)));
      this.#acked.add(eventid);
      this.#waiting.get(eventid)?.();
      this.#waiting.delete(eventid);
    }
  }
}
