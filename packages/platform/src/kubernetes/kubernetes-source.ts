import { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { DrainSource, Round } from "../drain-watcher.js";
import { limitedCall } from "../limited-call.js";
import { connectKube, listObjects, watchObjects, type FeedSelection, type KubeApi } from "./kube-feed.js";
import { kubeFailure, statusOf } from "./kube-failure.js";
import { member, text } from "./kube-object.js";
import type { KubernetesSignal } from "./kubernetes-signal.js";
import { EndpointReader, PodReader, type Sight, type SignalReader } from "./signal-reader.js";

export const REQUEST_TIMEOUT_MS = 10_000;
/** The server ends a watch after this long; one that has not ended a while later is a dead connection. */
export const WATCH_SECONDS = 240;
const WATCH_GRACE_MS = 20_000;
/** Between a watch that ended and the next, up to this, at random: a server that ends each at once is not hammered. */
const RESUME_WITHIN_MS = 1_000;

export interface KubernetesSourceOptions {
  readonly signal: KubernetesSignal;
  readonly pod: string;
  readonly server: string | undefined;
  readonly namespace: () => Promise<string>;
}

/** Lists once, then watches from there; lists again when the version is too old (410), or to confirm that an address is gone. */
export class KubernetesSource implements DrainSource {
  readonly source = "kubernetes";
  readonly #options: KubernetesSourceOptions;
  readonly #runtime: Runtime;
  #connected: { readonly api: KubeApi; readonly namespace: string } | undefined;
  #feed: { readonly reader: SignalReader; readonly selection: FeedSelection } | undefined;
  #resourceVersion: string | undefined;
  #waitingFor: string | undefined;

  constructor(options: KubernetesSourceOptions, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
  }

  async prepare(): Promise<void> {
    const namespace = await this.#options.namespace();
    const { signal, pod } = this.#options;
    if (signal.kind === "pod") {
      const selection = { kind: "pods", namespace, selector: `metadata.name=${pod}` } as const;
      this.#feed = { reader: new PodReader(pod), selection };
    } else {
      const address = signal.address ?? process.env["POD_IP"];
      if (address === undefined)
        throw new HawserError("invalid_config", "own address is not known: set POD_IP by the downward API");
      const selector = `kubernetes.io/service-name=${signal.service}`;
      this.#feed = {
        reader: new EndpointReader(signal.service, address),
        selection: { kind: "endpointslices", namespace, selector },
      };
    }
    this.#connected = { api: await connectKube(this.#options.server), namespace };
  }

  connected() {
    if (this.#connected === undefined) throw new HawserError("invalid_config", "start the watcher first");
    return this.#connected;
  }

  async round(signal: AbortSignal, seeing: (waitingFor?: string) => void): Promise<Round> {
    const { api } = this.connected();
    if (this.#feed === undefined) throw new HawserError("invalid_config", "start the watcher first");
    const { reader, selection } = this.#feed;
    const rule = `${selection.kind}: list, watch`;
    try {
      if (this.#resourceVersion === undefined) {
        const found = await limitedCall(this.#runtime.timers, REQUEST_TIMEOUT_MS, signal, () =>
          listObjects(api, selection),
        );
        const sight = reader.listed(found.items);
        if (sight.kind === "gone") return { kind: "draining", reason: sight.reason };
        this.#waitingFor = waitingFor(sight);
        this.#resourceVersion = found.version;
      }
      seeing(this.#waitingFor);
      return await this.#watch(signal, seeing);
    } catch (thrown) {
      if (statusOf(thrown) === 410) {
        this.#resourceVersion = undefined;
        return this.#again();
      }
      throw kubeFailure(`watch ${selection.kind} in ${selection.namespace}`, rule, thrown);
    }
  }

  async #watch(outer: AbortSignal, seeing: (waitingFor?: string) => void): Promise<Round> {
    const { api } = this.connected();
    if (this.#feed === undefined) throw new HawserError("invalid_config", "start the watcher first");
    const { reader, selection } = this.#feed;
    const ended = new AbortController();
    let round: Round | undefined;
    let failure: Error | undefined;
    const onEvent = (phase: string, object: unknown): void => {
      if (ended.signal.aborted) return;
      if (phase === "ERROR") {
        failure = this.#reported(object);
        ended.abort();
        return;
      }
      this.#resourceVersion = text(member(object, "metadata", "resourceVersion")) ?? this.#resourceVersion;
      if (phase === "BOOKMARK") return;
      const sight = reader.changed(phase, object);
      this.#waitingFor = waitingFor(sight);
      if (sight.kind === "gone") round = { kind: "draining", reason: sight.reason };
      if (sight.kind === "confirm") this.#resourceVersion = undefined;
      if (sight.kind === "gone" || sight.kind === "confirm") ended.abort();
      else seeing(this.#waitingFor);
    };
    const overdue = WATCH_SECONDS * 1_000 + WATCH_GRACE_MS;
    await limitedCall(this.#runtime.timers, overdue, outer, async (signal) => {
      const either = AbortSignal.any([signal, ended.signal]);
      const options = {
        resourceVersion: this.#resourceVersion,
        timeoutSeconds: WATCH_SECONDS,
        signal: either,
      };
      await watchObjects(api, selection, options, onEvent);
    });
    if (failure !== undefined) throw failure;
    return round ?? this.#again();
  }

  /** An ERROR event carries a Status. */
  #reported(status: unknown): Error {
    const code = member(status, "code");
    const message = text(member(status, "message")) ?? "the watch failed";
    if (code === 410) this.#resourceVersion = undefined;
    return Object.assign(new Error(message), typeof code === "number" ? { code } : {});
  }

  #again(): Round {
    return { kind: "again", afterMs: this.#runtime.random.next() * RESUME_WITHIN_MS };
  }
}

function waitingFor(sight: Sight): string | undefined {
  return sight.kind === "waiting" ? sight.for : undefined;
}
