/** What a handler made of one resource. */
export interface Thing {
  readonly uid: string;
  readonly version: string;
  readonly spec: unknown;
  /** Whether the agent must know of it: the process that made it still runs, or it was recorded. */
  readonly isKnown: () => boolean;
}

/** What was last said of a resource. */
export interface Said {
  readonly uid: string;
  readonly observed: string;
  readonly seq: number;
}

/** The effects of one agent's handlers, which outlive its processes; and what the present process has said of them. */
export class Things {
  readonly made = new Map<string, Thing>();
  /** By name; what a process that died had said may never have left it. */
  readonly said = new Map<string, Said>();
  #process = {};
  readonly #calls = new Map<string, object>();

  /** The newest call for a name: reports through the context of an older one must not come through. */
  began(name: string): object {
    const call = {};
    this.#calls.set(name, call);
    return call;
  }

  isNewest(name: string, call: object): boolean {
    return this.#calls.get(name) === call;
  }

  make(name: string, thing: Omit<Thing, "isKnown">, isRecorded: () => boolean): void {
    const process = this.#process;
    this.made.set(name, { ...thing, isKnown: () => process === this.#process || isRecorded() });
  }

  processDied(): void {
    this.#process = {};
    this.said.clear();
    this.#calls.clear();
  }
}
