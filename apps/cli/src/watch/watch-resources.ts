import { defined, pause } from "@hawser/runtime";
import type { ApiClient } from "../api/api-client.js";
import { followStream } from "../api/follow-stream.js";
import { Refusal } from "../api/http.js";
import { eventStepSchema, type Resource } from "../api/schemas.js";
import type { ServerSentEvent } from "../api/sse-parser.js";
import type { CommandContext } from "../command/command-context.js";
import { runInLanes } from "../concurrency/lanes.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import type { ResourceReference } from "../resource-reference.js";
import { DEFAULT_MAX_WATCHED_RESOURCES, KnownResources, type ResourceChange } from "./resource-change.js";

/** Whatever happens to a resource, it is read no more often. */
const ROUND_MS = 250;

export interface ResourcesWanted {
  /** Undefined: those of all agents. */
  readonly target: ResourceReference | undefined;
  readonly kind?: string | undefined;
  readonly state?: string | undefined;
}

export interface ResourcesListener {
  /** Several that were read together, in order. */
  onChanges(changes: readonly ResourceChange[]): void;
  onInterrupted(reason: string, retryInMs: number): void;
  onResumed(): void;
}

/**
 * Resources and what becomes of them, until Ctrl-C or until nobody reads. Whatever happens to a resource is a step in the life of an event, so the stream of those tells of which agents
 * the resources are to be read again; what differs is told. After a break of the stream all are read again, so nothing is missed by it.
 *
 * @throws CommandError when the first reading fails, when the principal refuses for good, and (failed) above `DEFAULT_MAX_WATCHED_RESOURCES`
 */
export async function watchResources(
  { connect, runtime, terminal }: CommandContext,
  wanted: ResourcesWanted,
  listener: ResourcesListener,
): Promise<void> {
  const client = connect();
  const over = new AbortController();
  const signal = AbortSignal.any([terminal.interrupted, terminal.readerGone, over.signal]);
  const reading = new Reading(client, wanted, listener);
  const agent = wanted.target?.agent;
  const following = followStream({
    server: client.server,
    path:
      agent === undefined ? "/v1/streams/events" : `/v1/streams/events?agent=${encodeURIComponent(agent)}`,
    timers: runtime.timers,
    random: runtime.random,
    signal,
    onOpen: () => reading.mark("all"),
    onEvent: (event) => reading.mark(agentOf(event) ?? "all"),
    onInterrupted: (reason, retryInMs) => listener.onInterrupted(reason, retryInMs),
    onResumed: () => listener.onResumed(),
  });
  async function read(): Promise<void> {
    for (; !signal.aborted; await pause(runtime.timers, ROUND_MS, signal)) await reading.round(signal);
  }
  await Promise.all([following.finally(() => over.abort()), read().finally(() => over.abort())]);
}

/** The agent of a step; undefined for what is no step, such as that some were missed. */
function agentOf({ data }: ServerSentEvent): { readonly agent: string } | undefined {
  try {
    return eventStepSchema.pick({ agent: true }).safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

type Marked = "all" | { readonly agent: string };

/** What is to be read again, and what was told. */
class Reading {
  readonly #client: ApiClient;
  readonly #wanted: ResourcesWanted;
  readonly #listener: ResourcesListener;
  readonly #known = new KnownResources();
  readonly #marked = new Set<string>();
  #allMarked = false;
  #isSynced = false;

  constructor(client: ApiClient, wanted: ResourcesWanted, listener: ResourcesListener) {
    this.#client = client;
    this.#wanted = wanted;
    this.#listener = listener;
  }

  mark(what: Marked): void {
    if (what === "all") this.#allMarked = true;
    else this.#marked.add(what.agent);
  }

  async round(signal: AbortSignal): Promise<void> {
    if (!this.#allMarked && this.#marked.size === 0) return;
    const all = this.#allMarked;
    const marked = [...this.#marked];
    this.#allMarked = false;
    this.#marked.clear();
    try {
      await this.#read(all ? await this.#agents() : marked);
    } catch (thrown) {
      if (signal.aborted) return;
      if (!this.#isSynced || !mayComeBack(thrown)) throw thrown;
      if (all) this.#allMarked = true;
      for (const agent of marked) this.#marked.add(agent);
    }
  }

  async #agents(): Promise<readonly string[]> {
    const { target } = this.#wanted;
    if (target !== undefined) return [target.agent];
    const names = (await this.#client.agents()).map(({ name }) => name);
    return [...new Set([...names, ...this.#known.agents])];
  }

  async #read(agents: readonly string[]): Promise<void> {
    const changes: (readonly ResourceChange[])[] = [];
    const [failure] = await runInLanes(agents, { laneOf: (agent) => agent }, async (agent, n) => {
      changes[n] = this.#known.put(agent, await this.#resourcesOf(agent));
    });
    const told = changes.flat();
    if (failure === undefined && !this.#isSynced) {
      this.#isSynced = true;
      told.push({ change: "synced" });
    }
    this.#listener.onChanges(told);
    if (this.#known.isOverfull)
      throw new CommandError(
        EXIT_CODES.failed,
        `there are more than ${DEFAULT_MAX_WATCHED_RESOURCES} resources; watch those of one agent, or narrow them down with --kind or --state`,
      );
    if (failure !== undefined) throw failure.thrown;
  }

  async #resourcesOf(agent: string): Promise<readonly Resource[]> {
    const { target, kind, state } = this.#wanted;
    if (target?.scope === "resource") {
      // The first time, one that is not there is a misspelt one.
      const found = this.#isSynced ? await this.#client.find(target) : await this.#client.get(target);
      return found === undefined ? [] : [found];
    }
    return this.#client.list(agent, {
      ...defined({ kind, state }),
    });
  }
}

/** A principal that is being restarted, or has too much to do, is asked again. */
function mayComeBack(thrown: unknown): boolean {
  if (thrown instanceof Refusal) return thrown.status >= 500 || thrown.status === 429;
  return thrown instanceof CommandError && thrown.exitCode === EXIT_CODES.unreachable;
}
