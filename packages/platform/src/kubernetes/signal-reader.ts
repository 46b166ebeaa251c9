import { list, member, text } from "../json-member.js";

/** `confirm`: needs a fresh list, because a moving address is briefly in no slice. */
export type Sight =
  | { readonly kind: "present" }
  | { readonly kind: "waiting"; readonly for: string }
  | { readonly kind: "confirm" }
  | { readonly kind: "gone"; readonly reason: string };

/** Reads lists and watch events about this pod in order. */
export interface SignalReader {
  listed(items: readonly unknown[]): Sight;
  changed(phase: string, object: unknown): Sight;
}

/** The own pod: its deletionTimestamp or its absence. */
export class PodReader implements SignalReader {
  readonly #pod: string;
  #uid: string | undefined;

  constructor(pod: string) {
    this.#pod = pod;
  }

  listed(items: readonly unknown[]): Sight {
    const own = items.find((item) => member(item, "metadata", "name") === this.#pod);
    if (own !== undefined) return this.changed("ADDED", own);
    return this.#uid === undefined
      ? { kind: "waiting", for: `pod ${this.#pod}` }
      : this.#gone("no longer exists");
  }

  changed(phase: string, object: unknown): Sight {
    const metadata = member(object, "metadata");
    if (member(metadata, "name") !== this.#pod) return { kind: "confirm" };
    const uid = text(member(metadata, "uid"));
    this.#uid ??= uid;
    if (uid !== this.#uid) return this.#gone("was replaced by another of its name");
    if (phase === "DELETED") return this.#gone("was deleted");
    return member(metadata, "deletionTimestamp") === undefined
      ? { kind: "present" }
      : this.#gone("is being deleted (deletionTimestamp)");
  }

  #gone(what: string): Sight {
    return { kind: "gone", reason: `pod ${this.#pod} ${what}` };
  }
}

/** The own address among the ready endpoints of a Service, in all EndpointSlices. */
export class EndpointReader implements SignalReader {
  readonly #service: string;
  readonly #address: string;
  /** By slice name: whether it has the address, ready. */
  readonly #slices = new Map<string, boolean>();
  #wasReady = false;

  constructor(service: string, address: string) {
    this.#service = service;
    this.#address = address;
  }

  listed(items: readonly unknown[]): Sight {
    this.#slices.clear();
    for (const item of items) this.#note("ADDED", item);
    const sight = this.#sight();
    if (sight.kind !== "confirm") return sight;
    return { kind: "gone", reason: `${this.#address} left the ready endpoints of ${this.#service}` };
  }

  changed(phase: string, object: unknown): Sight {
    this.#note(phase, object);
    return this.#sight();
  }

  #note(phase: string, slice: unknown): void {
    const name = text(member(slice, "metadata", "name")) ?? "";
    if (phase === "DELETED") this.#slices.delete(name);
    else this.#slices.set(name, this.#isReadyIn(slice));
  }

  #sight(): Sight {
    if ([...this.#slices.values()].includes(true)) {
      this.#wasReady = true;
      return { kind: "present" };
    }
    if (this.#wasReady) return { kind: "confirm" };
    return { kind: "waiting", for: `${this.#address} among the ready endpoints of ${this.#service}` };
  }

  /** A missing condition counts as ready (the API's rule). */
  #isReadyIn(slice: unknown): boolean {
    return list(member(slice, "endpoints")).some(
      (each) =>
        list(member(each, "addresses")).includes(this.#address) &&
        member(each, "conditions", "ready") !== false,
    );
  }
}
