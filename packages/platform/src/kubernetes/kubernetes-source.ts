import { HawserError } from "@hawser/protocol";
import { defined, type Runtime } from "@hawser/runtime";
import type { DrainSource, Round } from "../drain-watcher.js";
import { list, member, text } from "../json-member.js";
import { limitedCall } from "../limited-call.js";
import { KubeRefusal, readStatus, type KubeClient, type Query } from "./kube-client.js";
import { kubeFailure } from "./kube-failure.js";
import type { Sight, SignalReader } from "./signal-reader.js";

export const REQUEST_TIMEOUT_MS = 10_000;
/** The server ends a watch after this. */
const WATCH_SECONDS = 240;
/** A longer watch is a dead connection. */
export const WATCH_TIMEOUT_MS = 260_000;
/** Random pause between watches, up to this: a server that ends each at once is not flooded. */
const RESUME_WITHIN_MS = 1_000;

/** The watched objects and their reader. */
export interface KubeFeed {
  readonly client: KubeClient;
  readonly kind: "pods" | "endpointslices";
  readonly namespace: string;
  /** Selects the objects of list and watch. */
  readonly selector: Query;
  readonly reader: SignalReader;
}

type Seeing = (waitingFor?: string) => void;

/** Lists, then watches; lists again for a stale version (410) or to confirm a departure. */
export class KubernetesSource implements DrainSource {
  readonly source = "kubernetes";
  readonly #runtime: Runtime;
  readonly #connect: () => Promise<KubeFeed>;
  #feed: KubeFeed | undefined;
  #resourceVersion: string | undefined;
  #waitingFor: string | undefined;

  constructor(runtime: Runtime, connect: () => Promise<KubeFeed>) {
    this.#runtime = runtime;
    this.#connect = connect;
  }

  async prepare(): Promise<void> {
    this.#feed = await this.#connect();
  }

  get feed(): KubeFeed {
    if (this.#feed === undefined) throw new HawserError("invalid_config", "start the watcher first");
    return this.#feed;
  }

  async round(signal: AbortSignal, seeing: Seeing): Promise<Round> {
    let verb = "list";
    try {
      let sight = this.#resourceVersion === undefined ? await this.#list(signal) : undefined;
      if (sight?.kind !== "gone") {
        verb = "watch";
        sight = await this.#watch(signal, seeing);
      }
      if (sight?.kind === "gone") return { kind: "draining", reason: sight.reason };
    } catch (thrown) {
      if (!(thrown instanceof KubeRefusal && thrown.status === 410)) {
        const { kind, namespace } = this.feed;
        throw kubeFailure(`${verb} ${kind} in ${namespace}`, `${kind}: ${verb}`, thrown);
      }
      this.#resourceVersion = undefined;
    }
    return { kind: "again", afterMs: this.#runtime.random.next() * RESUME_WITHIN_MS };
  }

  async #list(outer: AbortSignal): Promise<Sight> {
    const { client, reader, selector } = this.feed;
    const found = await limitedCall(this.#runtime.timers, REQUEST_TIMEOUT_MS, outer, (signal) =>
      client.read(this.#path(), selector, signal),
    );
    const version = text(member(found, "metadata", "resourceVersion"));
    if (version === undefined) throw new Error("what answers is not an API server: the list has no version");
    this.#resourceVersion = version;
    return this.#noted(reader.listed(list(member(found, "items"))));
  }

  /** The sight that ended the watch. */
  #watch(outer: AbortSignal, seeing: Seeing): Promise<Sight | undefined> {
    return limitedCall(this.#runtime.timers, WATCH_TIMEOUT_MS, outer, async (signal) => {
      const events = await this.#openWatch(signal);
      seeing(this.#waitingFor);
      for await (const event of events) {
        const sight = this.#read(text(member(event, "type")) ?? "", member(event, "object"));
        if (sight === undefined) continue;
        if (sight.kind === "gone" || sight.kind === "confirm") return sight;
        seeing(this.#waitingFor);
      }
      return undefined;
    });
  }

  #openWatch(outer: AbortSignal): Promise<AsyncIterable<unknown>> {
    const query = {
      ...this.feed.selector,
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(WATCH_SECONDS),
      ...defined({ resourceVersion: this.#resourceVersion }),
    };
    return limitedCall(this.#runtime.timers, REQUEST_TIMEOUT_MS, outer, (opening) =>
      this.feed.client.lines(this.#path(), query, AbortSignal.any([outer, opening])),
    );
  }

  /** @throws KubeRefusal for an ERROR event */
  #read(phase: string, object: unknown): Sight | undefined {
    if (phase === "ERROR") {
      const code = member(object, "code");
      const { message, retryAfterMs } = readStatus(object);
      throw new KubeRefusal(typeof code === "number" ? code : 0, message, retryAfterMs);
    }
    this.#resourceVersion = text(member(object, "metadata", "resourceVersion")) ?? this.#resourceVersion;
    if (phase === "BOOKMARK") return undefined;
    const sight = this.#noted(this.feed.reader.changed(phase, object));
    if (sight.kind === "confirm") this.#resourceVersion = undefined;
    return sight;
  }

  #noted(sight: Sight): Sight {
    this.#waitingFor = sight.kind === "waiting" ? sight.for : undefined;
    return sight;
  }

  #path(): string {
    const { kind, namespace } = this.feed;
    const group = kind === "pods" ? "/api/v1" : "/apis/discovery.k8s.io/v1";
    return `${group}/namespaces/${encodeURIComponent(namespace)}/${kind}`;
  }
}
