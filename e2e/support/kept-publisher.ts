import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import type { PrincipalApi } from "./principal-api.js";

/** Connections that are kept: as many as answers may be under way. */
export const CONNECTIONS = 8;

const acceptedSchema = z.object({ eventid: z.string() });

/** A publisher as services are: a few connections that are kept, and one request after the other on each. */
export class KeptPublisher {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, scheduling: "fifo" });

  constructor(api: PrincipalApi, agent: string) {
    this.#url = new URL(`/v1/agents/${agent}/events`, api.server);
    this.#headers = { ...api.authorization, "content-type": "application/cloudevents+json" };
  }

  /** Resolves with the `eventid` once the event is accepted. */
  async post(event: object): Promise<string> {
    const body = JSON.stringify({ specversion: "1.0", source: "/e2e", ...event });
    const answered = await new Promise<{ readonly status: number; readonly body: string }>(
      (resolve, reject) => {
        const asked = request(
          this.#url,
          { method: "POST", agent: this.#agent, headers: this.#headers },
          (response) => {
            text(response).then(
              (answer) => resolve({ status: response.statusCode ?? 0, body: answer }),
              reject,
            );
          },
        );
        asked.once("error", reject);
        asked.end(body);
      },
    );
    if (answered.status >= 400)
      throw new Error(`publishing was answered ${answered.status}: ${answered.body}`);
    return acceptedSchema.parse(JSON.parse(answered.body)).eventid;
  }

  stop(): void {
    this.#agent.destroy();
  }
}
