import {
  EVENT_TYPES,
  type Codec,
  type EventDraft,
  type HawserError,
  type HawserEvent,
} from "@hawser/protocol";
import { AgentSession, PrincipalSession, type SessionEnd, type SessionTiming } from "@hawser/session";
import { createMemoryDisk, createMemoryStore, type MemoryDisk, type Store } from "@hawser/store";
import type { Runtime } from "@hawser/runtime";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport, type Connection, type MemoryTransport } from "@hawser/transport";
import {
  AgentLink,
  knownStore,
  PrincipalLink,
  ReadAhead,
  Receiver,
  type AgentLinkOptions,
  type Delivery,
  type LinkObserver,
  type Outcome,
  type PrincipalLinkOptions,
} from "../index.js";

/** One side of the fixture: what it was sent, what it was told. */
export class Side {
  readonly disk: MemoryDisk;
  readonly store: Store;
  readonly deliveries: Delivery[] = [];
  readonly sent: { readonly event: HawserEvent; readonly attempt: number }[] = [];
  readonly deadLettered: string[] = [];
  readonly skipped: string[] = [];
  readonly refused: string[] = [];
  readonly observer: LinkObserver;
  readonly receiver: Receiver;
  handler: (delivery: Delivery) => Promise<Outcome> | Outcome = () => ({ kind: "applied" });

  constructor(world: VirtualRuntime, peer: string, disk: MemoryDisk = createMemoryDisk()) {
    this.disk = disk;
    this.store = createMemoryStore({ disk: this.disk, runtime: world.runtime });
    this.observer = {
      sent: (event, attempt) => this.sent.push({ event, attempt }),
      deadLettered: (event, code) => this.deadLettered.push(`${event.resourceid}@${event.eventid} ${code}`),
      skipped: (event, why) => this.skipped.push(`${event.resourceid}@${event.eventid} ${why}`),
      refused: (event, _, code) => this.refused.push(`${event.resourceid}@${event.eventid} ${code}`),
    };
    this.receiver = new Receiver({
      runtime: world.runtime,
      peer,
      apply: (delivery) => {
        this.deliveries.push(delivery);
        return this.handler(delivery);
      },
      observer: this.observer,
    });
  }

  get applied(): readonly string[] {
    return this.deliveries.map(({ event }) => `${event.resourceid}@${event.eventid}`);
  }
}

/** An agent's link and a principal's, joined by the memory transport under virtual time. */
export class TwoSides {
  readonly world: VirtualRuntime;
  readonly transport: MemoryTransport;
  agent: Side;
  principal: Side;
  readonly agentEnds: SessionEnd[] = [];
  readonly principalEnds: SessionEnd[] = [];
  readonly principalLinks: PrincipalLink[] = [];
  window = 16;
  windowBytes = 8_388_608;
  /** Of the principal. */
  readAhead = new ReadAhead();
  timing: Partial<SessionTiming> = {};

  /** What links are made with, besides what they need; a test may put something else there. */
  runtime: Runtime;
  extra: Partial<AgentLinkOptions & PrincipalLinkOptions> = {};
  /** The principal answers no hello before this. */
  admitting: Promise<void> = Promise.resolve();
  /** Gets every connection, of either side, before its link does. */
  wrap: (connection: Connection) => Connection = (connection) => connection;

  constructor(seed = 1, codec?: Codec, world: VirtualRuntime = createVirtualRuntime({ seed })) {
    this.world = world;
    this.runtime = world.runtime;
    const { timers } = this.world.runtime;
    this.transport = createMemoryTransport({ timers, ...(codec === undefined ? {} : { codec }) });
    this.agent = new Side(this.world, "principal");
    this.principal = new Side(this.world, "edge-1");
  }

  async start(): Promise<void> {
    await Promise.all([this.agent.store.start(), this.principal.store.start()]);
    await this.transport.acceptor.start((connection) => this.accept(connection));
  }

  /** Dials and runs until both sides are open. `settled` is the floor the agent remembers from the session before. */
  async connect(settled = 0): Promise<AgentLink> {
    const link = await this.dial();
    link.start(settled);
    await this.world.advance(10);
    return link;
  }

  /** The agent leaves `old` in order, and comes back at once. */
  async rotate(old: AgentLink): Promise<AgentLink> {
    const { session } = old;
    old.goodbye("rotation");
    // A handler that never ends takes the grace of a close.
    for (let step = 0; step < 1_000 && session.state.kind !== "ended"; step += 1)
      await this.world.advance(20);
    return this.connect(old.settledFloor);
  }

  async dial(): Promise<AgentLink> {
    const { runtime } = this;
    const dialled = this.transport.dialer.dial();
    await this.world.advance(1);
    const known = knownStore(await this.agent.store.standing("principal"));
    const session = new AgentSession({
      agent: "edge-1",
      store: this.agent.store.id,
      window: this.window,
      windowBytes: this.windowBytes,
      software: "test",
      random: runtime.random,
      timing: this.timing,
      ...(known === undefined ? {} : { known }),
    });
    return new AgentLink({
      runtime,
      connection: this.wrap(await dialled),
      session,
      store: this.agent.store,
      source: "test/agent",
      window: this.window,
      windowBytes: this.windowBytes,
      peer: { name: "principal", receiver: this.agent.receiver, observer: this.agent.observer },
      onEnded: (end) => this.agentEnds.push(end),
      ...this.extra,
    });
  }

  accept(connection: Connection): void {
    const { runtime } = this;
    const session = new PrincipalSession({
      store: this.principal.store.id,
      window: this.window,
      windowBytes: this.windowBytes,
      software: "test",
      random: runtime.random,
      timing: this.timing,
    });
    const link = new PrincipalLink({
      runtime,
      connection: this.wrap(connection),
      session,
      store: this.principal.store,
      source: "test/principal",
      window: this.window,
      windowBytes: this.windowBytes,
      readAhead: this.readAhead,
      admit: async () => {
        await this.admitting;
        return {
          kind: "accepted",
          sessionId: runtime.random.uuid(),
          peer: { name: "edge-1", receiver: this.principal.receiver, observer: this.principal.observer },
        };
      },
      onEnded: (end) => this.principalEnds.push(end),
      ...this.extra,
    });
    this.principalLinks.push(link);
    link.start();
  }

  /** The agent's machine is replaced by one with an empty disk. */
  async replaceAgent(): Promise<void> {
    const stopped = this.agent.store.stop();
    await this.world.advance(100);
    await stopped;
    this.agent = new Side(this.world, "principal");
    await this.agent.store.start();
  }

  /** The principal's machine is replaced by one with an empty disk. */
  async replacePrincipal(): Promise<void> {
    const stopped = this.principal.store.stop();
    await this.world.advance(100);
    await stopped;
    this.principal = new Side(this.world, "edge-1");
    await this.principal.store.start();
  }

  /** Appends events to the mailbox of the other side and answers their versions. */
  async publish(from: Side, peer: string, events: readonly EventDraft[]): Promise<readonly number[]> {
    const appended = from.store.append(events.map((event) => ({ peer, event })));
    await this.world.advance(0);
    return (await appended).map((item) => {
      if (!item.ok) throw item.error;
      return item.version;
    });
  }

  async stop(): Promise<void> {
    await this.transport.acceptor.stop();
    await this.world.advance(1);
    const stopped = Promise.all([this.agent.store.stop(), this.principal.store.stop()]);
    await this.world.advance(100);
    await stopped;
  }
}

let drafts = 0;

/** A command about `resource`. */
export function command(resource: string, extra: Partial<EventDraft> = {}): EventDraft {
  drafts += 1;
  return {
    specversion: "1.0",
    id: `c${drafts}`,
    source: "test",
    type: "test.command",
    resourceid: `${resource}_u1`,
    ...extra,
  };
}

/** A spec of `resource`. */
export function spec(resource: string, value: number, uid = "u1"): EventDraft {
  drafts += 1;
  return {
    specversion: "1.0",
    id: `s${drafts}`,
    source: "test",
    type: EVENT_TYPES.spec,
    subject: `Thing/${resource}`,
    resourceid: `${resource}_${uid}`,
    datacontenttype: "application/json",
    data: { kind: "Thing", name: resource, uid, spec: value },
  };
}

/** A delete of `resource`. */
export function deletion(resource: string, uid = "u1"): EventDraft {
  drafts += 1;
  return {
    specversion: "1.0",
    id: `d${drafts}`,
    source: "test",
    type: EVENT_TYPES.delete,
    subject: `Thing/${resource}`,
    resourceid: `${resource}_${uid}`,
    datacontenttype: "application/json",
    data: { kind: "Thing", name: resource, uid },
  };
}

/** A status of `resource`. */
export function status(resource: string, value: number): EventDraft {
  drafts += 1;
  return {
    specversion: "1.0",
    id: `t${drafts}`,
    source: "test",
    type: EVENT_TYPES.status,
    subject: `Thing/${resource}`,
    resourceid: `${resource}_u1`,
    datacontenttype: "application/json",
    data: { kind: "Thing", name: resource, uid: "u1", status: value, observed: "1" },
  };
}

export function rejected(error: HawserError): Outcome {
  return { kind: "rejected", error };
}
