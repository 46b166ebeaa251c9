import { HawserError, resourceId, type EventDraft } from "@hawser/protocol";
import type { ResourceView } from "@hawser/principal";
import { KIND, type AgentMachine } from "./agent-machine.js";
import { isRejecting } from "./handlers.js";
import { commandContent, specContent } from "./identity.js";
import type { Direction } from "./ledger.js";
import { below, chance, exponential, pick } from "./plan.js";
import type { ControlPlane } from "./principal-group.js";
import { callOn, type Answer, type World } from "./world.js";

/** Of the resources that are changed. */
export const NAMES = ["a", "b", "c"] as const;
const RETRY_MS = 300;
/** A full mailbox drains, unless dead letters fill it: then a wish stays open. */
const FINAL_TRIES = 50;

/** What a publisher knows of one name. */
interface Wish {
  /** Version and content of the newest change that was accepted, by the store it was accepted in. */
  accepted: { readonly store: string; readonly version: number; readonly content: string } | undefined;
  /** A change whose answer never came. */
  isUncertain: boolean;
}

/** Puts, deletes and commands for one agent, and what that agent publishes itself; remembers what it was promised. */
export class Publisher {
  readonly wishes = new Map<string, Wish>();
  readonly #world: World;
  readonly #principal: ControlPlane;
  readonly #agent: AgentMachine;
  readonly #open = new Set<Promise<void>>();
  #count = 0;
  #isFinal = false;
  /** Resources that commands may be about. */
  readonly #known: string[] = [];

  constructor(world: World, principal: ControlPlane, agent: AgentMachine) {
    this.#world = world;
    this.#principal = principal;
    this.#agent = agent;
  }

  /** Publishes until everything heals, then makes sure of every name and waits for every answer. */
  async run(): Promise<void> {
    const { random, plan } = this.#world;
    while (!this.#world.isHealed) {
      await this.#world.sleep(exponential(random, plan.meanPublishMs));
      if (this.#world.isHealed) break;
      this.#start(this.#one());
    }
    await Promise.all(this.#open);
    this.#isFinal = true;
    for (const name of NAMES) {
      for (let tries = 0; tries < FINAL_TRIES && this.#isOpen(name); tries += 1)
        await this.#change(name, chance(random, 0.3));
    }
  }

  /** Whether this publisher cannot know what the principal wants of this name now. */
  #isOpen(name: string): boolean {
    const wish = this.#wish(name);
    return (
      wish.isUncertain ||
      (wish.accepted !== undefined && wish.accepted.store !== this.#principal.stores.at(-1))
    );
  }

  /** Commands in one go, about a few resources. */
  async publishBacklog(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#command("down")));
  }

  #start(task: Promise<void>): void {
    const watched = this.#world.spawn("a publisher", () => task).finally(() => this.#open.delete(watched));
    this.#open.add(watched);
  }

  #one(): Promise<void> {
    const { random } = this.#world;
    const dice = random.next();
    if (dice < 0.45) return this.#change(pick(random, NAMES), false);
    if (dice < 0.57) return this.#change(pick(random, NAMES), true);
    if (dice < 0.6) return this.#requeue();
    return dice < this.#world.plan.downShare ? this.#command("down") : this.#command("up");
  }

  #wish(name: string): Wish {
    const wish = this.wishes.get(name) ?? { accepted: undefined, isUncertain: false };
    this.wishes.set(name, wish);
    return wish;
  }

  /** Puts a new spec, or deletes. */
  async #change(name: string, isDelete: boolean): Promise<void> {
    const { sender, findings } = this.#world;
    const { process } = this.#principal;
    if (process === undefined) return this.#world.sleep(RETRY_MS);
    const agent = this.#agent.name;
    this.#count += 1;
    const spec = this.#count;
    const content = isDelete ? `delete ${KIND}/${name}` : specContent(spec);
    sender.attempted("down", agent, content, !isDelete && isRejecting(spec));
    const { resources } = process.principal;
    const store = process.store.id;
    const certain = this.#world.ledger.life("down", agent, store).beginChange(`${KIND}/${name}`);
    const answer = await callOn(process.host, () =>
      isDelete
        ? resources.delete(agent, KIND, name)
        : resources.put(agent, KIND, name, spec).then(({ resource }) => resource),
    );
    findings.trace(
      "publisher",
      `${agent} ${isDelete ? "delete" : `put ${spec}`} ${name}: ${summary(answer)}`,
    );
    const wish = this.#wish(name);
    if (answer.kind === "answer") {
      certain();
      this.#changed(name, store, answer.value, process.host.name);
    } else if (answer.kind === "error" && isRefusal(answer.error)) {
      certain();
      if (!isDelete) sender.refused("down", agent, content);
      if (this.#isFinal) await this.#world.sleep(RETRY_MS);
    } else wish.isUncertain = true;
  }

  #changed(name: string, store: string, view: ResourceView | undefined, principal: string): void {
    const wish = this.#wish(name);
    if (this.#isFinal) wish.isUncertain = false;
    if (view === undefined) {
      // There was nothing to delete: what was accepted before is gone already, or was lost with its store.
      if (this.#isFinal) wish.accepted = undefined;
      return;
    }
    const { uid, spec, state } = view;
    const version = Number(view.version);
    const isDelete = state === "deleting";
    const content = isDelete ? "delete" : specContent(spec);
    const agent = this.#agent.name;
    const resourceid = resourceId(name, uid);
    const fact = this.#world.ledger.life("down", agent, store).note(
      {
        version,
        resourceid,
        subject: `${KIND}/${name}`,
        eventClass: isDelete ? "delete" : "spec",
        content,
        expiresAtMs: Number.POSITIVE_INFINITY,
      },
      true,
    );
    fact.acceptedBy ??= principal;
    if (wish.accepted?.store !== store || wish.accepted.version < version) {
      wish.accepted = { store, version, content };
    }
    this.#known.push(resourceid);
  }

  async #command(direction: Direction): Promise<void> {
    const { random, sender, ledger, findings } = this.#world;
    const agent = this.#agent.name;
    const draft = this.#draft(direction);
    const content = commandContent(draft);
    sender.attempted(direction, agent, content, isRejecting(draft.data));
    const options = chance(random, 0.7) ? { idempotencyKey: draft.id } : {};
    for (;;) {
      const sent = await this.#send(direction, draft, options);
      const { answer } = sent;
      findings.trace("publisher", `${direction} ${agent} ${content}: ${summary(answer)}`);
      if (answer.kind === "answer") {
        const { eventid, resourceid } = answer.value;
        const { subject, expirytime } = draft;
        const expiresAtMs = expirytime === undefined ? Number.POSITIVE_INFINITY : Date.parse(expirytime);
        const version = Number(eventid);
        const identity = {
          version,
          resourceid,
          subject,
          eventClass: "command",
          content,
          expiresAtMs,
        } as const;
        const mailbox = ledger.life(direction, agent, sent.store);
        sender.seen(mailbox, mailbox.note(identity, true));
        return;
      }
      if (answer.kind === "error" && isRefusal(answer.error))
        return sender.refused(direction, agent, content);
      // Without a key a repeat could be a second event; a publisher without one has to leave it.
      if (!("idempotencyKey" in options)) return;
      await this.#world.sleep(RETRY_MS);
    }
  }

  async #send(
    direction: Direction,
    draft: EventDraft,
    options: { readonly idempotencyKey?: string },
  ): Promise<{ store: string; answer: Answer<{ readonly eventid: string; readonly resourceid: string }> }> {
    const name = this.#agent.name;
    if (direction === "down") {
      const { process } = this.#principal;
      if (process === undefined) return { store: "", answer: { kind: "dead" } };
      const answer = await callOn(process.host, () => process.principal.publish(name, draft, options));
      return { store: process.store.id, answer };
    }
    const { process } = this.#agent;
    if (process === undefined) return { store: "", answer: { kind: "dead" } };
    const answer = await callOn(process.host, () => process.agent.publish(draft, options));
    return { store: process.store.id, answer };
  }

  #draft(direction: Direction): EventDraft {
    const { random, virtual } = this.#world;
    this.#count += 1;
    // Dead letters count against the caps, and nobody clears those of an agent: a small mailbox would stay full of them.
    const isTight = direction === "up" && this.#world.plan.isTight;
    if (isTight && isRejecting(this.#count)) this.#count += 1;
    const known = this.#known.at(-1);
    const isAboutThing = direction === "down" && known !== undefined && chance(random, 0.3);
    const wallTime = virtual.wallTime();
    return {
      specversion: "1.0",
      id: `${direction}-${this.#agent.name}-${this.#count}`,
      source: "simulation",
      type: "simulation.command",
      resourceid: isAboutThing ? known : `${direction}-${below(random, 3)}_1`,
      datacontenttype: "application/json",
      data: this.#count,
      ...(!isTight && chance(random, 0.2)
        ? { expirytime: new Date(wallTime + 200 + random.next() * 8_000).toISOString() }
        : {}),
    };
  }

  async #requeue(): Promise<void> {
    const { process } = this.#principal;
    if (process === undefined) return;
    const { principal, host, store } = process;
    const agent = this.#agent.name;
    const { ledger, sender } = this.#world;
    const mailbox = ledger.life("down", agent, store.id);
    const letters = await callOn(host, () => principal.deadLetters(agent, { limit: 1 }));
    const letter = letters.kind === "answer" ? letters.value[0] : undefined;
    const fact = letter === undefined ? undefined : mailbox.facts.get(Number(letter.eventid));
    if (letter === undefined || fact === undefined) return;
    sender.requeued("down", agent, fact.content);
    const answer = await callOn(host, () => principal.requeue(agent, letter.eventid));
    if (answer.kind !== "answer") return;
    // What had expired is sent again for as long as it takes.
    const expiresAtMs = letter.code === "expired" ? Number.POSITIVE_INFINITY : fact.expiresAtMs;
    mailbox.note({ ...fact, version: Number(answer.value.eventid), expiresAtMs }, true);
  }
}

/** Told for certain that it was not accepted. Anything else about the store leaves it open. */
function isRefusal(error: unknown): boolean {
  return error instanceof HawserError && (error.code === "mailbox_full" || error.code === "conflict");
}

function summary(answer: Answer<unknown>): string {
  if (answer.kind === "error") return String(answer.error);
  if (answer.kind === "dead") return "no answer";
  const { value } = answer;
  const version =
    typeof value === "object" &&
    value !== null &&
    ("version" in value ? value.version : "eventid" in value ? value.eventid : "");
  return `accepted ${String(version)}`;
}
