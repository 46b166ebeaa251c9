import { env } from "node:process";
import { AgentMachine } from "./agent-machine.js";
import { auditMailbox, livenessBoundMs, unconverged } from "./checkers/liveness-checker.js";
import { checkMailbox } from "./checkers/mailbox-checker.js";
import { ViewChecker } from "./checkers/view-checker.js";
import { strikeMachine, strikeNetwork } from "./faults.js";
import { ADDRESS } from "./balancer.js";
import { OlderCopyPlay, type Backup } from "./older-copy.js";
import { below, type Plan } from "./plan.js";
import { PrincipalGroup, type ControlPlane } from "./principal-group.js";
import { PrincipalMachine, type PrincipalProcess } from "./principal-machine.js";
import { OwnDisk } from "./principal-storage.js";
import { Publisher } from "./publisher.js";
import { Purger } from "./purger.js";
import { strikeShared } from "./shared-faults.js";
import { StoreMachine } from "./store-machine.js";
import { Tally } from "./tally.js";
import { ignoreOutage } from "./watched-disk.js";
import { callOn, World, type Answer } from "./world.js";

/** Longer than any run of any plan; reaching it is a finding. */
const MAX_RUN_MS = 4 * 3_600_000;
/** Longer than the silence that ends a session, so that idle ones have to live by their heartbeats. */
const IDLE_MS = 6_000;
/** Steps at one moment of virtual time before it counts as standing still. */
const MAX_STEPS_AT_ONCE = 100_000;
const STOP_BOUND_MS = 120_000;
const TRACE_LINES = 120;

/**
 * One run of the production code (principal, agents, links, stores) over virtual time, a simulated network and simulated disks: publishers and faults as the seed
 * says, then everything heals and has to converge. Answers what was found, undefined when nothing was.
 *
 * @param tally counts which faults struck
 */
export async function simulate(plan: Plan, tally = new Tally()): Promise<string | undefined> {
  const run = new Run(plan, tally);
  return run.run();
}

class Run {
  readonly #world: World;
  /** Several, where they share a store. */
  readonly #principals: readonly PrincipalMachine[];
  readonly #group: PrincipalGroup | undefined;
  readonly #control: ControlPlane;
  readonly #agents: readonly AgentMachine[];
  readonly #publishers: readonly Publisher[];
  readonly #views: ViewChecker;
  #isDone = false;
  #backup: Backup | undefined;
  #steps = 0;
  #stepsAt = 0;

  constructor(plan: Plan, tally: Tally) {
    const world = new World(plan, tally);
    this.#world = world;
    if (plan.shared === undefined) {
      const only = new PrincipalMachine(world, {
        name: "principal",
        address: ADDRESS,
        storage: new OwnDisk(world),
      });
      this.#principals = [only];
      this.#control = only;
    } else {
      this.#group = new PrincipalGroup(world, new StoreMachine(world, plan.shared));
      this.#principals = this.#group.machines;
      this.#control = this.#group;
    }
    const control = this.#control;
    this.#agents = plan.agents.map((name) => new AgentMachine(world, name));
    this.#publishers = this.#agents.map((agent) => new Publisher(world, control, agent));
    this.#views = new ViewChecker(world.ledger, world.findings);
  }

  async run(): Promise<string | undefined> {
    const { virtual, findings, plan } = this.#world;
    void this.#world
      .spawn("the scenario", () => this.#scenario())
      .then(() => {
        this.#isDone = true;
      });
    const isOver = (): boolean => {
      this.#countSteps();
      return this.#isDone || findings.first !== undefined;
    };
    if (!(await virtual.runUntil(isOver, { timeoutMs: MAX_RUN_MS })))
      findings.violation("the scenario ends", "something never answered");
    if (findings.first === undefined) return undefined;
    const summary = `flavour ${plan.flavour}, ${plan.agents.length} agents, window ${JSON.stringify(plan.window)}, bytes ${JSON.stringify(plan.windowBytes)}, read ahead ${plan.readAheadBytes ?? "default"}, limits ${JSON.stringify(plan.limits)}, shared ${JSON.stringify(plan.shared)}`;
    return [
      `seed ${plan.seed}: ${findings.first}`,
      `replay: HAWSER_SEED=${plan.seed} npx vitest run --project e2e e2e/simulation/${plan.shared === undefined ? "seeds" : "principals"} (HAWSER_TRACE=4000 for a longer trace)`,
      summary,
      findings.tail(Number(env["HAWSER_TRACE"] ?? TRACE_LINES)),
    ].join("\n");
  }

  #countSteps(): void {
    const { virtual, findings } = this.#world;
    const now = virtual.now();
    this.#steps = now === this.#stepsAt ? this.#steps + 1 : 0;
    this.#stepsAt = now;
    if (this.#steps > MAX_STEPS_AT_ONCE) findings.violation("time goes on", `it stands still at ${now} ms`);
  }

  async #scenario(): Promise<void> {
    const world = this.#world;
    const { plan, findings } = world;
    for (const principal of this.#principals) await principal.start();
    await this.#publishers[0]?.publishBacklog(plan.backlog);
    for (const agent of this.#agents) await agent.start();
    const publishing = this.#publishers.map((publisher) => world.spawn("publishing", () => publisher.run()));
    const group = this.#group;
    const alone = group === undefined ? [...this.#principals, ...this.#agents] : this.#agents;
    const striking = alone.map((machine) => world.spawn("faults", () => strikeMachine(world, machine)));
    if (group !== undefined) striking.push(...strikeShared(world, group));
    striking.push(world.spawn("network faults", () => strikeNetwork(world)));
    const purging = this.#agents.map((agent) =>
      world.spawn("purging", () => new Purger(world, this.#control, agent).run()),
    );
    const watching = world.spawn("watching", () => this.#watch());
    const backup = world.spawn("a backup", () => this.#backUp());
    await world.sleep(plan.activeMs);
    world.isHealed = true;
    world.network.heal();
    findings.trace("world", "heals");
    await Promise.all(striking);
    await Promise.all(publishing);
    await Promise.all(purging);
    await backup;
    // Two reads through two principals may be answered in the other order.
    if (group !== undefined) await watching;
    await this.#converge();
    if (findings.first !== undefined) return;
    if (plan.flavour === "rotations") await world.sleep(IDLE_MS);
    for (const agent of this.#agents) {
      const mailbox = world.ledger.current("down", agent.name);
      await group?.store.watched.learnDurableDeadLetters(mailbox);
      auditMailbox(world, mailbox);
      auditMailbox(world, world.ledger.current("up", agent.name));
    }
    await this.#stop();
    if (this.#backup === undefined || findings.first !== undefined) return;
    findings.trace("world", "an older copy of a disk is started on");
    const [principal] = this.#principals;
    if (principal !== undefined) await new OlderCopyPlay(world, principal, this.#agents, this.#backup).run();
  }

  /** Keeps what one machine has on its disk at some moment, whatever it is doing. */
  async #backUp(): Promise<void> {
    const { plan, virtual } = this.#world;
    if (!plan.olderCopy) return;
    const random = virtual.random("backup");
    await this.#world.sleep(random.next() * plan.activeMs);
    const machines = [...this.#principals, ...this.#principals, ...this.#agents];
    const machine = machines[below(random, machines.length)];
    if (machine !== undefined) this.#backup = { machine, disk: machine.disk.snapshot() };
  }

  /** Looks at everything now and then, as people and metrics do. */
  async #watch(): Promise<void> {
    const { plan } = this.#world;
    while (!this.#world.isHealed) {
      await this.#world.sleep(plan.activeMs / 25);
      await this.#look();
    }
  }

  // A read on a machine that dies never answers.
  async #look(): Promise<void> {
    const world = this.#world;
    for (const agent of this.#agents) {
      const { process } = this.#control;
      if (process !== undefined) complain(await callOn(process.host, () => this.#lookAt(process, agent)));
      const own = agent.process;
      if (own !== undefined)
        complain(
          await callOn(own.host, () => checkMailbox(world, own.store, "principal", this.#wasReplaced)),
        );
    }
  }

  get #wasReplaced(): boolean {
    return this.#principals.some(({ wasReplaced }) => wasReplaced);
  }

  async #lookAt({ principal, store }: PrincipalProcess, { name, wasReplaced }: AgentMachine): Promise<void> {
    await checkMailbox(this.#world, store, name, wasReplaced);
    await this.#views.check(principal, store.id, name);
  }

  async #converge(): Promise<void> {
    const { plan, virtual, ledger, findings } = this.#world;
    const healedAt = virtual.now();
    const accepted = (direction: "up" | "down", name: string): number =>
      ledger.lives(direction, name).reduce((sum, { facts }) => sum + facts.size, 0);
    // Counted anew each time: what was accepted without an answer is known only once it arrives.
    const boundMs = (): number =>
      livenessBoundMs(
        plan,
        this.#agents.reduce((sum, { name }) => sum + accepted("down", name) + accepted("up", name), 0),
      );
    for (;;) {
      const missing = await this.#missing().catch((thrown: unknown) => {
        ignoreOutage(thrown);
        return [`a store cannot be read: ${String(thrown)}`];
      });
      if (missing.length === 0 || findings.first !== undefined) return;
      if (virtual.now() - healedAt >= boundMs())
        return findings.violation("everything converges", missing.join("; "));
      await this.#world.sleep(plan.flavour === "defaults" ? 5_000 : 250);
    }
  }

  /** As each principal sees it. */
  async #missing(): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const { name, process } of this.#principals)
      missing.push(...(process === undefined ? [`${name} is not running`] : await this.#missingAt(process)));
    return missing;
  }

  async #missingAt(process: PrincipalProcess): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const [index, agent] of this.#agents.entries()) {
      const publisher = this.#publishers[index];
      if (publisher === undefined) continue;
      const views = await this.#views.check(process.principal, process.store.id, agent.name);
      missing.push(...(await unconverged(this.#world, process, agent, views, publisher)));
    }
    return missing;
  }

  async #stop(): Promise<void> {
    const { virtual, findings } = this.#world;
    const began = virtual.now();
    for (const agent of this.#agents) await agent.stop();
    for (const principal of this.#principals) await principal.stop();
    const took = virtual.now() - began;
    if (took > STOP_BOUND_MS) findings.violation("everything stops", `it took ${took} ms`);
  }
}

function complain(answer: Answer<unknown>): void {
  if (answer.kind === "error") ignoreOutage(answer.error);
}
