import type { AgentView, Principal } from "@hawser/principal";
import { agentsByName } from "../routes/agent-list.js";
import { agentJson } from "../routes/view-json.js";
import type { AgentChange, AgentChangeLog } from "./agent-change-log.js";
import type { StreamGap } from "./stream-observer.js";
import { serverSentEvent, type StreamPiece, type StreamSource } from "./stream-source.js";

/** Agents read and handed to the connection at a time. */
const AT_A_TIME = 100;
/** Agents that may have changed since a reader last read; for one that is further behind, beginning anew is cheaper. */
const DEFAULT_MAX_CHANGED = 100_000;

export interface AgentSourceOptions {
  /** The beginning of a name; empty for all. */
  readonly prefix: string;
  readonly state: AgentView["state"] | undefined;
  readonly lastEventId: string | undefined;
  /** @default DEFAULT_MAX_CHANGED (100,000) */
  readonly maxChanged?: number;
  /** The reader has to forget all it knows. */
  readonly onGap?: (reason: StreamGap) => void;
}

/** With an empty id, which takes back the one before (HTML Standard, section 9.2.6): a reader that forgot all and broke off half-way has none to come back with. */
const RESET = serverSentEvent(
  "reset",
  { message: "what changed since that id is not known; forget all agents, here they come anew" },
  "",
);

/**
 * One reader's view of the fleet: all agents of interest, then each that changes. What an agent is like is looked up when the reader can take it, so one that reads slowly hears less often of
 * each, and never of the past.
 */
export class AgentStreamSource implements StreamSource {
  readonly #principal: Pick<Principal, "agent" | "agents">;
  readonly #log: AgentChangeLog;
  readonly #options: AgentSourceOptions;
  readonly #stopListening: () => void;
  readonly #changed = new Map<string, AgentChange>();
  /** While all agents are being told: those behind this name are still to come. */
  #catalogue: { readonly after: string | undefined } | undefined;
  /** What is known once they are told. */
  #begunAt = "";
  #greeting = "";
  /** Whether `synced` is still to come. */
  #syncing = true;
  #position: string | undefined;
  #wake: () => void = () => {};

  constructor(
    principal: Pick<Principal, "agent" | "agents">,
    log: AgentChangeLog,
    options: AgentSourceOptions,
  ) {
    this.#principal = principal;
    this.#log = log;
    this.#options = options;
    const { lastEventId } = options;
    const since = lastEventId === undefined ? undefined : log.since(lastEventId);
    if (since === undefined) {
      this.#begin(lastEventId === undefined ? "" : RESET);
      if (lastEventId !== undefined) options.onGap?.("unknown_id");
    } else {
      this.#position = lastEventId;
      for (const [agent, change] of since) this.#note(agent, change);
    }
    this.#stopListening = log.listen((agent, change) => this.#note(agent, change));
  }

  get position(): string | undefined {
    return this.#position;
  }

  async next(): Promise<StreamPiece> {
    const greeting = this.#greeting;
    this.#greeting = "";
    const text = greeting + (await this.#read());
    if (text !== "" || this.#catalogue !== undefined) return { kind: "text", text };
    return { kind: "idle" };
  }

  onceReady(wake: () => void): () => void {
    this.#wake = wake;
    return () => {
      this.#wake = () => {};
    };
  }

  close(): void {
    this.#stopListening();
  }

  /** From the first agent. */
  #begin(greeting: string): void {
    this.#changed.clear();
    this.#catalogue = { after: undefined };
    this.#begunAt = this.#log.position;
    this.#greeting = greeting;
    this.#syncing = true;
    this.#position = undefined;
  }

  #note(agent: string, change: AgentChange): void {
    const { prefix, maxChanged = DEFAULT_MAX_CHANGED } = this.#options;
    if (!agent.startsWith(prefix)) return;
    if (this.#changed.size >= maxChanged && !this.#changed.has(agent)) {
      this.#begin(RESET);
      this.#options.onGap?.("lagged");
    } else if (this.#changed.get(agent) !== "session") this.#changed.set(agent, change);
    this.#wake();
  }

  #read(): Promise<string> {
    return this.#catalogue === undefined ? this.#readChanges() : this.#readCatalogue(this.#catalogue);
  }

  async #readCatalogue(catalogue: { readonly after: string | undefined }): Promise<string> {
    const { state, prefix } = this.#options;
    const request = { limit: AT_A_TIME, after: catalogue.after, state, prefix };
    const { items, next } = await agentsByName(request, this.#principal);
    const text = items.map((agent) => serverSentEvent("agent", agent)).join("");
    // It may have had to begin anew meanwhile.
    if (this.#catalogue !== catalogue) return text;
    if (next !== null) {
      this.#catalogue = { after: next };
      return text;
    }
    this.#catalogue = undefined;
    this.#position = this.#begunAt;
    return text + this.#synced();
  }

  async #readChanges(): Promise<string> {
    const batch = [...this.#changed].slice(0, AT_A_TIME);
    for (const [agent] of batch) this.#changed.delete(agent);
    // With nothing left over, the reader knows of every change so far.
    if (this.#changed.size === 0 && batch.length > 0) this.#position = this.#log.position;
    const told = await Promise.all(batch.map(([agent, change]) => this.#tell(agent, change)));
    const synced = this.#changed.size === 0 && this.#catalogue === undefined ? this.#synced() : "";
    const events = told.filter((text) => text !== "");
    const id =
      synced === "" && events.length > 0 && this.#position !== undefined ? `id: ${this.#position}\n` : "";
    const last = events.pop() ?? "";
    return events.join("") + id + last + synced;
  }

  async #tell(agent: string, change: AgentChange): Promise<string> {
    const view = await this.#principal.agent(agent);
    const { state } = this.#options;
    if (view !== undefined && (state === undefined || view.state === state)) {
      return serverSentEvent("agent", agentJson(view));
    }
    return view === undefined || change === "session" ? serverSentEvent("gone", { name: agent }) : "";
  }

  #synced(): string {
    if (!this.#syncing) return "";
    this.#syncing = false;
    return serverSentEvent("synced", {}, this.#position);
  }
}
