import {
  checkAgentName,
  checkDraft,
  deleteEvent,
  eventClass,
  formatVersion,
  HawserError,
  jsonOf,
  parseResourceId,
  parseVersion,
  specEvent,
  subjectOf,
  withTraceContext,
  type EventDraft,
  type HawserEvent,
  type JsonValue,
  type ResourceRef,
} from "@hawser/protocol";
import { type CallLimits, KeyedQueue, type Runtime, traced } from "@hawser/runtime";
import { appendOne, agentRemoved, type RetainedState, type Store } from "@hawser/store";
import { allOf } from "../all-of.js";
import type { Page } from "../all-of.js";
import type { PutOptions, Resources } from "./resources.js";
import { countRefusals, type PrincipalObserver } from "../principal-observer.js";
import type { ResourceView } from "../views.js";
import { equalJson } from "./equal-json.js";
import { kindResources } from "./kind-resources.js";
import { requestOutput } from "./request-output.js";
import { resourceView, specOf } from "./resource-view.js";
import { waitViews, type WaitSources } from "./wait-view.js";
import { checkAddressee } from "../self-login.js";
import { deleting, putting, type ResourceTrace } from "../tracing.js";

export interface ResourcesOptions {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly sessions: WaitSources["sessions"];
  readonly source: string;
  readonly observer: PrincipalObserver;
  /** Waits for the work no longer than the caller wants to. */
  readonly limited: <T>(limits: CallLimits, agent: string, work: () => Promise<T>) => Promise<T>;
}

/** How often a write is tried again when another principal changed the same resource in between. */
const MAX_CONFLICT_RETRIES = 5;

interface Subject {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  readonly subject: string;
}

/** The resources of all agents, as what was sent and what came back lies in the store. */
export function createResources(options: ResourcesOptions): Resources {
  const { store, observer, limited } = options;
  const changes = new ResourceChanges(options);

  async function list(agent: string, page: Page): Promise<readonly ResourceView[]> {
    checkAgentName(agent);
    return limited(page, agent, () => changes.list(agent, page));
  }

  /** Resources of one kind lie side by side, as subjects are in order. */
  async function listOf(kind: string, agent: string, page: Page): Promise<readonly ResourceView[]> {
    checkAgentName(agent);
    const prefix = `${kind}/`;
    const ofKind = { ...page, after: `${prefix}${page.after ?? ""}` };
    return limited(page, agent, () => changes.list(agent, ofKind, prefix));
  }

  const resources: Resources = {
    put: async (agent, kind, name, spec, change = {}) => {
      const target = subjectFor(agent, kind, name);
      const started = traceOf({ agent, kind, name }, change);
      const work = async (trace: Traced = started()) => {
        const wanted = countRefusals(observer, agent, () => jsonOf(spec));
        return changes.put(target, wanted, change, trace);
      };
      return limited(change, agent, () => traced(putting, started, work));
    },
    get: async (agent, kind, name, limits = {}) => {
      const { subject } = subjectFor(agent, kind, name);
      return limited(limits, agent, async () => {
        const sent = await store.retained.get(agent, "sent", subject);
        return sent && changes.view(agent, sent);
      });
    },
    list,
    all: (agent, options) =>
      allOf(
        { read: (page: Page) => list(agent, page), keyOf: ({ kind, name }) => `${kind}/${name}` },
        options,
      ),
    requestOutput: async (agent, kind, name, asked, limits = {}) => {
      subjectFor(agent, kind, name);
      return limited(limits, agent, () => requestOutput({ agent, kind, name }, asked, options));
    },
    delete: async (agent, kind, name, change = {}) => {
      const target = subjectFor(agent, kind, name);
      const started = traceOf({ agent, kind, name }, change);
      const work = (trace: Traced = started()) => changes.remove(target, change, trace);
      return limited(change, agent, () => traced(deleting, started, work));
    },
    of: (kind) => kindResources(kind, { resources, list: listOf, observer, limited }),
  };
  return resources;
}

/** Changes of resources, and what they make visible. */
class ResourceChanges {
  readonly #options: ResourcesOptions;
  /**
   * Read, decide, append is not atomic in the store. Two writers of one resource in this process take
   * turns here; the expected version tells writers in others apart.
   */
  readonly #queue = new KeyedQueue();

  constructor(options: ResourcesOptions) {
    this.#options = options;
  }

  /** @param prefix of the subjects that are wanted of the page */
  async list(agent: string, { after, limit }: Page, prefix = ""): Promise<readonly ResourceView[]> {
    const page = after === undefined ? { limit } : { after, limit };
    const sent = await this.#options.store.retained.list(agent, "sent", page);
    return this.#views(
      agent,
      sent.filter(({ subject }) => subject.startsWith(prefix)),
    );
  }

  async #views(agent: string, sent: readonly RetainedState[]): Promise<readonly ResourceView[]> {
    const { store } = this.#options;
    const received = sent.map(({ subject }) => store.retained.get(agent, "received", subject));
    const [reports, waiting] = await Promise.all([
      Promise.all(received),
      waitViews(agent, sent, this.#options),
    ]);
    return sent.map((state, n) => resourceView(agent, state, reports[n], waiting[n]));
  }

  async view(agent: string, sent: RetainedState): Promise<ResourceView> {
    const [only] = await this.#views(agent, [sent]);
    if (only === undefined) throw new HawserError("internal", "a view of one resource is missing");
    return only;
  }

  put(
    target: Subject,
    spec: JsonValue,
    { expectedVersion, dryRun = false, force = false }: PutOptions,
    trace: Traced,
  ): ReturnType<Resources["put"]> {
    const { agent } = target;
    return this.#change(target, expectedVersion, async (current) => {
      const alive = isAlive(current);
      // A spec that was thrown away, or whose dead letter was, has no other way back to the agent.
      const isGivenUp = current?.refusal === "discarded" || current?.refusal === "purged";
      if (!force && alive && !isGivenUp && equalJson(specOf(current), spec))
        return { resource: await this.view(agent, current), created: false, changed: false };
      const draft = specEvent({ ...this.#refOf(target, current), spec });
      const sent = await this.#replace(target, draft, current, dryRun, trace);
      return sent && { resource: await this.view(agent, sent), created: !alive, changed: true };
    });
  }

  async remove(
    target: Subject,
    { expectedVersion, dryRun = false }: PutOptions,
    trace: Traced,
  ): Promise<ResourceView | undefined> {
    const { agent } = target;
    const gone = await this.#change<{ readonly view?: ResourceView }>(
      target,
      expectedVersion,
      async (current) => {
        if (current === undefined) return {};
        if (!isAlive(current)) return { view: await this.view(agent, current) };
        const draft = deleteEvent(this.#refOf(target, current));
        const sent = await this.#replace(target, draft, current, dryRun, trace);
        return sent && { view: await this.view(agent, sent) };
      },
    );
    return gone.view;
  }

  /** Read, decide, append; again when another writer came between, unless the caller named the version it wants to replace. */
  #change<T>(
    target: Subject,
    wanted: string | undefined,
    attempt: (current: RetainedState | undefined) => Promise<T | undefined>,
  ): Promise<T> {
    const { agent, subject } = target;
    return this.#queue.run(`${agent}/${subject}`, async () => {
      for (let tries = 0; tries <= MAX_CONFLICT_RETRIES; tries += 1) {
        const current = await this.#options.store.retained.get(agent, "sent", subject);
        checkExpectation(target, wanted, current);
        const result = await attempt(current);
        if (result !== undefined) return result;
      }
      const what = `${subject} of ${agent} keeps changing; read it again and retry`;
      throw new HawserError("conflict", what, { agent });
    });
  }

  /** Appends a state event that replaces `current`; undefined when another writer was faster and the caller may look again. */
  async #replace(
    { agent, subject }: Subject,
    draft: EventDraft,
    current: RetainedState | undefined,
    dryRun: boolean,
    trace: Traced,
  ): Promise<RetainedState | undefined> {
    const { store, observer } = this.#options;
    const tombstone = await store.tombstone(agent);
    if (tombstone !== undefined) throw agentRemoved(agent, tombstone);
    const expectedVersion = current?.version ?? 0;
    const state = { subject, pending: true, refusal: undefined };
    if (dryRun) {
      const event = { ...checkDraft(draft), eventid: String(expectedVersion) };
      return { ...state, version: expectedVersion, event };
    }
    const checked = countRefusals(observer, agent, () => checkDraft(draft));
    const event = withTraceContext(checked, trace.traceContext);
    const appended = await appendOne(store, { peer: agent, event, expectedVersion });
    if (appended.ok) {
      const accepted: HawserEvent = { ...event, eventid: formatVersion(appended.version) };
      observer.accepted?.(agent, accepted);
      trace.event = accepted;
      return { ...state, version: appended.version, event: accepted };
    }
    if (appended.reason === "conflict") return undefined;
    observer.rejected?.(agent, appended.error.code);
    throw appended.error;
  }

  #refOf({ kind, name }: Subject, current: RetainedState | undefined): ResourceRef & { time: string } {
    const { source, runtime } = this.#options;
    return {
      source,
      id: runtime.random.uuid(),
      kind,
      name,
      uid: isAlive(current) ? parseResourceId(current.event.resourceid).uid : runtime.random.uuid(),
      time: new Date(runtime.clock.wallTime()).toISOString(),
    };
  }
}

function isAlive(state: RetainedState | undefined): state is RetainedState {
  return state !== undefined && eventClass(state.event.type) === "spec";
}

/** What a change reads of its trace, and tells it. */
type Traced = Pick<ResourceTrace, "traceContext" | "event">;

function traceOf(
  resource: Pick<ResourceTrace, "agent" | "kind" | "name">,
  { traceContext }: PutOptions,
): () => ResourceTrace {
  return () => ({ ...resource, traceContext, event: undefined });
}

function subjectFor(agent: string, kind: string, name: string): Subject {
  checkAddressee(agent);
  return { agent, kind, name, subject: subjectOf(kind, name) };
}

function checkExpectation(
  target: Subject,
  wanted: string | undefined,
  current: RetainedState | undefined,
): void {
  if (wanted === undefined) return;
  const expected = wanted === "0" ? 0 : parseVersion(wanted);
  const actual = isAlive(current) ? current.version : 0;
  if (expected === actual) return;
  const found = actual === 0 ? "does not exist" : `has version ${actual}`;
  const what = `${target.subject} of ${target.agent} ${found}, not ${wanted}; read it again and retry`;
  throw new HawserError("conflict", what, { agent: target.agent });
}
