import { DEFAULT_TIMING } from "@hawser/protocol";
import type { ResourceView } from "@hawser/principal";
import { KIND, type AgentMachine } from "../agent-machine.js";
import { specContent } from "../identity.js";
import type { Fact, Mailbox } from "../ledger.js";
import type { Plan } from "../plan.js";
import type { PrincipalProcess } from "../principal-machine.js";
import type { Publisher } from "../publisher.js";
import { hearingBoundMs } from "../shared-plan.js";
import type { World } from "../world.js";
import { seqOf } from "./view-checker.js";

/** What the parts wait for when nothing else is said (DEFAULT_RECONNECT_TIMING, DEFAULT_RESEND_TIMING, the dialer). */
const DEFAULTS = { backoffMaxMs: 120_000, maxTimeoutMs: 120_000, maxNackBackoffMs: 120_000, dialMs: 10_000 };
/** The disk is opened again, and a status that did not fit is written again, after a second each. */
const RETRIES_MS = 2_000;

/**
 * How long convergence may take once nothing fails any more, in virtual milliseconds. The worst way there, step by step:
 *
 * 1. A connection that was cut without notice is found dead: silence of at most twice the heartbeat timeout. A handshake under way, a goodbye or a close has
 *    its own grace each.
 * 2. The agent waits its backoff, at most the cap; a dial that began before may still have to time out, and costs another backoff.
 * 3. In the session that follows (or goes on), what was refused or sent in vain before waits at most the longest resend or NACK backoff; a handler that hangs
 *    keeps what comes behind it, so once more.
 * 4. A handler that hung when everything healed has to return. Every event takes its handler, its writes and its way; at the worst all one after another.
 *
 * 5. Where principals share a store, a holder may have to find out first that a wake-up was lost, or that it has lost the mailbox.
 *
 * Rotations go on meanwhile and may interrupt each step once, so everything but the handlers counts twice.
 */
export function livenessBoundMs(plan: Plan, events: number): number {
  const { timing, reconnect, resend } = plan;
  const graceMs = timing.closeGraceMs ?? DEFAULT_TIMING.closeGraceMs;
  const foundDeadMs =
    2 * (timing.heartbeatTimeoutMs ?? DEFAULT_TIMING.heartbeatTimeoutMs) +
    (timing.handshakeTimeoutMs ?? DEFAULT_TIMING.handshakeTimeoutMs) +
    4 * graceMs;
  const backMs = 2 * (reconnect.backoffMaxMs ?? DEFAULTS.backoffMaxMs) + DEFAULTS.dialMs;
  const sentAgainMs =
    2 *
    Math.max(
      resend.maxTimeoutMs ?? DEFAULTS.maxTimeoutMs,
      resend.maxNackBackoffMs ?? DEFAULTS.maxNackBackoffMs,
    );
  const eventMs = 2 * plan.maxHandlerMs + 4 * plan.maxWriteMs + 10;
  const heardMs = hearingBoundMs(plan);
  return 2 * (foundDeadMs + backMs + sentAgainMs + heardMs + RETRIES_MS) + plan.hangMs + events * eventMs;
}

/** What is not yet as it has to be about one agent; empty when everything has converged. */
export async function unconverged(
  world: World,
  { principal, store }: PrincipalProcess,
  agent: AgentMachine,
  views: readonly ResourceView[],
  publisher: Publisher,
): Promise<readonly string[]> {
  const missing: string[] = [];
  const { name } = agent;
  const { process } = agent;
  if (process === undefined) return [`${name} is not running`];
  const view = await principal.agent(name);
  if (view === undefined || view.pending > 0) missing.push(`${view?.pending} events for ${name} are pending`);
  const own = await process.store.stats("principal");
  if (own !== undefined && own.pending > 0) missing.push(`${own.pending} events of ${name} are pending`);
  const mailbox = world.ledger.life("down", name, store.id);
  for (const one of views) missing.push(...viewDiffers(mailbox, agent, one));
  for (const [thing, { uid }] of agent.things.made) {
    const isWanted = views.some((one) => one.uid === uid);
    // What the principal forgot with its disk, nobody wants gone.
    const isForgotten = mailbox.siblings(`${thing}_${uid}`).every(({ eventClass }) => eventClass !== "spec");
    // Its delete was thrown away, and may have been accepted without a word.
    const isGivenUp = mailbox.purges.mayHold({
      version: 0,
      subject: `${KIND}/${thing}`,
      resourceid: `${thing}_${uid}`,
    });
    if (!isWanted && !isForgotten && !isGivenUp) missing.push(`${thing}_${uid} is still there on ${name}`);
  }
  for (const [thing, wish] of publisher.wishes) {
    const { accepted } = wish;
    if (accepted === undefined || wish.isUncertain || accepted.store !== store.id) continue;
    const one = views.find((each) => each.name === thing);
    const isGone = accepted.content === "delete" && one === undefined;
    const isThere = one !== undefined && specContent(one.spec) === accepted.content;
    if (!isGone && !isThere)
      missing.push(
        `${thing} of ${name} is not as accepted: ${accepted.content}@${accepted.version}, but ${JSON.stringify(one)}`,
      );
  }
  return missing;
}

function viewDiffers(mailbox: Mailbox, { things, name: agent }: AgentMachine, view: ResourceView): string[] {
  const { name, uid, version } = view;
  // What was refused for good leaves the agent at what it had before.
  if (mailbox.facts.get(Number(version))?.deadLetter !== undefined) return [];
  const resourceid = `${name}_${uid}`;
  const isPurged = mailbox.purges.mayHold({
    version: Number(version),
    subject: `${view.kind}/${name}`,
    resourceid,
  });
  if (view.state === "purged" && isPurged) return [];
  const made = things.made.get(name);
  const said = things.said.get(name);
  const about = `${agent} ${name}_${uid}@${version}`;
  if (view.state !== "delivered") return [`${about} is ${view.state}`];
  if (made?.uid !== uid || made.spec !== view.spec)
    return [`${about} is ${JSON.stringify(made)} on the agent`];
  if (view.observedVersion !== version) return [`${about} is observed at ${view.observedVersion}`];
  if (said?.seq !== seqOf(view.status)) return [`${about} says ${seqOf(view.status)}, not ${said?.seq}`];
  return [];
}

/** After everything has converged: what became of every event that was accepted. */
export function auditMailbox(world: World, mailbox: Mailbox): void {
  let purged = 0;
  for (const fact of mailbox.facts.values()) {
    const { acceptedBy, sentBy } = fact;
    if (acceptedBy !== undefined && sentBy !== undefined && acceptedBy !== sentBy)
      world.tally.add("events accepted by one principal and sent by another");
    if (isExplained(world, mailbox, fact)) continue;
    if (fact.deadLetter === undefined && mailbox.purges.mayHold(fact)) {
      purged += fact.promised ? 1 : 0;
      continue;
    }
    const { resourceid, version, content, deadLetter } = fact;
    const fate = deadLetter === undefined ? "was never applied" : `is a dead letter: ${deadLetter}`;
    world.findings.violation(
      "nothing accepted is lost",
      `${mailbox.name} ${resourceid}@${version} (${content}) ${fate}`,
    );
  }
  const counted = mailbox.purges.count;
  if (counted !== undefined && purged > counted)
    world.findings.violation(
      "what is purged is counted",
      `${mailbox.name}: ${purged} events were neither applied nor explained, and ${counted} purged`,
    );
}

function isExplained(world: World, mailbox: Mailbox, fact: Fact): boolean {
  const { direction, agent } = mailbox;
  if (fact.effects > 0 || mailbox.mayBeIdle(fact)) return true;
  if (fact.deadLetter === undefined) return false;
  return world.sender.explains(direction, agent, fact.content, fact.deadLetter);
}
