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
} from "@hawser/protocol";
import { type CallLimits, KeyedQueue, type Runtime, traced } from "@hawser/runtime";
import { appendOne, agentRemoved, type RetainedState, type Store } from "@hawser/store";
import { allOf } from "../all-of.js";
import { countRefusals } from "../count-refusals.js";
import type { Page, PutOptions, Resources } from "../principal.js";
import type { PrincipalObserver } from "../principal-observer.js";
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

export function createResources(options: ResourcesOptions): Resources {
  const { store, runtime, source, observer, limited } = options;
  // Read, decide, append is not atomic in the store: two writers of one resource in this process take turns here, writers in others are told apart by the expected version.
  const queue = new KeyedQueue();

  async function views(agent: string, sent: readonly RetainedState[]): Promise<readonly ResourceView[]> {
    const received = sent.map(({ subject }) => store.retained.get(agent, "received", subject));
    const [reports, waiting] = await Promise.all([
      Promise.all(received),
      waitViews(agent, sent, { runtime, store, sessions: options.sessions }),
    ]);
    return sent.map((state, n) => resourceView(agent, state, reports[n], waiting[n]));
  }

  async function view(agent: string, sent: RetainedState): Promise<ResourceView> {
    const [only] = await views(agent, [sent]);
    if (only === undefined) throw new HawserError("internal", "a view of one resource is missing");
    return only;
  }

  /** Appends a state event that replaces `current`; undefined when someone else was faster and the caller may look again. */
  async function replace(
    target: Subject,
    draft: EventDraft,
    current: RetainedState | undefined,
    dryRun: boolean,
    trace: Traced,
  ): Promise<RetainedState | undefined> {
    const { subject } = target;
    const tombstone = await store.tombstone(target.agent);
    if (tombstone !== undefined) throw agentRemoved(target.agent, tombstone);
    if (dryRun) {
      const version = current?.version ?? 0;
      const event = { ...checkDraft(draft), eventid: String(version) };
      return { subject, version, event, pending: true, refusal: undefined };
    }
    const checked = countRefusals(observer, target.agent, () => checkDraft(draft));
    const event = withTraceContext(checked, trace.traceContext);
    const expectedVersion = current?.version ?? 0;
    const appended = await appendOne(store, { peer: target.agent, event, expectedVersion });
    if (appended.ok) {
      const accepted: HawserEvent = { ...event, eventid: formatVersion(appended.version) };
      observer.accepted?.(target.agent, accepted);
      trace.event = accepted;
      return {
        subject,
        version: appended.version,
        event: accepted,
        pending: true,
        refusal: undefined,
      };
    }
    if (appended.reason === "conflict") return undefined;
    observer.rejected?.(target.agent, appended.error.code);
    throw appended.error;
  }

  /** Read, decide, append; again when another writer came between, unless the caller named the version it wants to replace. */
  async function change<T>(
    target: Subject,
    wanted: string | undefined,
    attempt: (current: RetainedState | undefined) => Promise<T | undefined>,
  ): Promise<T> {
    for (let tries = 0; tries <= MAX_CONFLICT_RETRIES; tries += 1) {
      const current = await store.retained.get(target.agent, "sent", target.subject);
      checkExpectation(target, wanted, current);
      const result = await attempt(current);
      if (result !== undefined) return result;
    }
    throw new HawserError(
      "conflict",
      `${target.subject} of ${target.agent} keeps changing; read it again and retry`,
      { agent: target.agent },
    );
  }

  function draftOf(
    target: Subject,
    current: RetainedState | undefined,
  ): { source: string; id: string; kind: string; name: string; uid: string; time: string } {
    const alive = current !== undefined && eventClass(current.event.type) === "spec";
    return {
      source,
      id: runtime.random.uuid(),
      kind: target.kind,
      name: target.name,
      uid: alive ? parseResourceId(current.event.resourceid).uid : runtime.random.uuid(),
      time: new Date(runtime.clock.wallTime()).toISOString(),
    };
  }

  async function put(
    target: Subject,
    spec: JsonValue,
    { expectedVersion, dryRun = false, force = false }: PutOptions,
    trace: Traced,
  ): ReturnType<Resources["put"]> {
    const { agent } = target;
    return queue.run(`${agent}/${target.subject}`, () =>
      change(target, expectedVersion, async (current) => {
        const alive = current !== undefined && eventClass(current.event.type) === "spec";
        // A spec that was thrown away, or whose dead letter was, has no other way back to the agent.
        const isGivenUp = current?.refusal === "discarded" || current?.refusal === "purged";
        const isGoodAsItIs = !force && alive && !isGivenUp;
        if (isGoodAsItIs && equalJson(specOf(current), spec)) {
          return { resource: await view(agent, current), created: false, changed: false };
        }
        const draft = specEvent({ ...draftOf(target, current), spec });
        const sent = await replace(target, draft, current, dryRun, trace);
        return sent && { resource: await view(agent, sent), created: !alive, changed: true };
      }),
    );
  }

  async function remove(
    target: Subject,
    { expectedVersion, dryRun = false }: PutOptions,
    trace: Traced,
  ): Promise<ResourceView | undefined> {
    const { agent } = target;
    const result = await queue.run(`${agent}/${target.subject}`, () =>
      change<{ readonly view: ResourceView | undefined }>(target, expectedVersion, async (current) => {
        if (current === undefined) return { view: undefined };
        if (eventClass(current.event.type) === "delete") return { view: await view(agent, current) };
        const sent = await replace(target, deleteEvent(draftOf(target, current)), current, dryRun, trace);
        return sent && { view: await view(agent, sent) };
      }),
    );
    return result.view;
  }

  async function list(agent: string, page: Page): Promise<readonly ResourceView[]> {
    checkAgentName(agent);
    return limited(page, agent, async () => views(agent, await states(agent, page)));
  }

  /** Those of one kind lie side by side, for subjects are in order. */
  async function listOf(kind: string, agent: string, page: Page): Promise<readonly ResourceView[]> {
    checkAgentName(agent);
    const prefix = `${kind}/`;
    return limited(page, agent, async () => {
      const sent = await states(agent, { limit: page.limit, after: `${prefix}${page.after ?? ""}` });
      return views(
        agent,
        sent.filter(({ subject }) => subject.startsWith(prefix)),
      );
    });
  }

  async function states(agent: string, { after, limit }: Page): Promise<readonly RetainedState[]> {
    const from = after === undefined ? {} : { after };
    return store.retained.list(agent, "sent", { ...from, limit });
  }

  const resources: Resources = {
    put: async (agent, kind, name, spec, change = {}) => {
      const target = subjectFor(agent, kind, name);
      const started = traceOf({ agent, kind, name }, change);
      const work = async (trace: Traced = started()) => {
        const wanted = countRefusals(observer, agent, () => jsonOf(spec));
        return put(target, wanted, change, trace);
      };
      return limited(change, agent, () => traced(putting, started, work));
    },

    get: async (agent, kind, name, limits = {}) => {
      const { subject } = subjectFor(agent, kind, name);
      return limited(limits, agent, async () => {
        const sent = await store.retained.get(agent, "sent", subject);
        return sent && view(agent, sent);
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
      const work = (trace: Traced = started()) => remove(target, change, trace);
      return limited(change, agent, () => traced(deleting, started, work));
    },

    of: (kind) => kindResources(kind, { resources, list: listOf, observer, limited }),
  };
  return resources;
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
  const actual = current === undefined || eventClass(current.event.type) === "delete" ? 0 : current.version;
  if (expected === actual) return;
  const found = actual === 0 ? "does not exist" : `has version ${actual}`;
  throw new HawserError(
    "conflict",
    `${target.subject} of ${target.agent} ${found}, not ${wanted}; read it again and retry`,
    {
      agent: target.agent,
    },
  );
}
