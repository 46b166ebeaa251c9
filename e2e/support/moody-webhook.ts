import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemTimers, type Random } from "@hawser/runtime";

/** What a receiver of events does to a request. */
export const MOODS = ["takes", "hangs", "fails", "throttles", "breaks off", "drops"] as const;
export type Mood = (typeof MOODS)[number];

/** An event as a webhook hears of it. */
export interface Heard {
  readonly id: string;
  readonly resourceid: string;
  readonly hawseragent: string;
  readonly hawserposition: string;
}

/** A receiver of CloudEvents in structured or batch mode that has moods, and remembers what it took. */
export class MoodyWebhook {
  /** In the order in which they were taken, those that came again included. */
  readonly taken: Heard[] = [];
  /** How often each mood was met. */
  readonly met = new Map<Mood, number>();
  readonly #server: Server;
  readonly #mood: () => Mood;

  /** @param mood of the next request */
  constructor(mood: () => Mood) {
    this.#mood = mood;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => this.#answer(Buffer.concat(chunks).toString(), response));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(body: string, response: ServerResponse): void {
    const mood = this.#mood();
    this.met.set(mood, (this.met.get(mood) ?? 0) + 1);
    switch (mood) {
      case "takes":
        this.#take(body);
        response.writeHead(204).end();
        return;
      case "hangs":
        return;
      case "fails":
        response.writeHead(500).end("not now");
        return;
      case "throttles":
        response.writeHead(429, { "retry-after": "1" }).end();
        return;
      case "breaks off":
        // It has taken them, and whoever sent them cannot know.
        this.#take(body);
        response.writeHead(200, { "content-length": "1000" });
        response.write("half", () => response.destroy());
        return;
      case "drops":
        response.destroy();
        return;
    }
  }

  #take(body: string): void {
    const told = JSON.parse(body) as Heard | readonly Heard[];
    this.taken.push(...[told].flat());
  }
}

/** A receiver's mood, drawn anew every while, so that an outage lasts. */
export function moods(random: Random): { readonly next: () => Mood; settle(): void } {
  let isSettled = false;
  let mood: Mood = "takes";
  const change = (): void => {
    const drawn = MOODS[Math.floor(random.next() * MOODS.length)] ?? "takes";
    mood = random.next() < 0.5 ? "takes" : drawn;
    timer = systemTimers.after(random.next() * 400, change);
  };
  let timer = systemTimers.after(0, change);
  return {
    next: () => (isSettled ? "takes" : mood),
    settle() {
      isSettled = true;
      timer.cancel();
    },
  };
}
