import { defined, type Random, type Timers } from "@hawser/runtime";
import {
  createSimulatedNetwork,
  createVirtualRuntime,
  type SimulatedNetwork,
  type VirtualHost,
  type VirtualRuntime,
} from "@hawser/testkit";
import { ApplyChecker } from "./checkers/apply-checker.js";
import { DurabilityChecker } from "./checkers/durability-checker.js";
import { FenceChecker } from "./checkers/fence-checker.js";
import { HearingChecker } from "./checkers/hearing-checker.js";
import { SenderChecker } from "./checkers/sender-checker.js";
import { TermChecker } from "./checkers/term-checker.js";
import { Welcomes } from "./checkers/welcomes.js";
import { Findings } from "./findings.js";
import { Ledger } from "./ledger.js";
import type { Plan } from "./plan.js";
import { hearingBoundMs } from "./shared-plan.js";
import type { Tally } from "./tally.js";

/** What a call to a machine came to. */
export type Answer<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  /** The machine died before it answered. */
  | { readonly kind: "dead" };

/** What every part of a run shares. */
export class World {
  readonly plan: Plan;
  readonly virtual: VirtualRuntime;
  readonly network: SimulatedNetwork;
  readonly random: Random;
  readonly findings: Findings;
  readonly tally: Tally;
  readonly ledger: Ledger;
  readonly welcomes: Welcomes;
  readonly fences: FenceChecker;
  readonly hearing: HearingChecker;
  readonly terms: TermChecker;
  readonly apply: ApplyChecker;
  readonly durability: DurabilityChecker;
  readonly sender: SenderChecker;
  /** Of several principals, the indexes of those that serve. */
  serving: () => readonly number[] = () => [];
  /** No fault strikes any more. */
  isHealed = false;

  constructor(plan: Plan, tally: Tally) {
    this.plan = plan;
    this.tally = tally;
    this.virtual = createVirtualRuntime({ seed: plan.seed });
    this.network = createSimulatedNetwork({
      virtual: this.virtual,
      faults: plan.faults,
      ...defined({ codec: plan.codec }),
    });
    this.random = this.virtual.random("scenario");
    this.findings = new Findings(this.virtual);
    const { now } = this.virtual;
    const { findings } = this;
    this.ledger = new Ledger(findings, now);
    this.welcomes = new Welcomes(findings, tally, now);
    const { welcomes } = this;
    this.fences = new FenceChecker(findings);
    const { fences } = this;
    const hearsWithinMs = hearingBoundMs(plan);
    this.hearing = new HearingChecker(findings, this.timers, hearsWithinMs);
    this.terms = new TermChecker({ findings, tally, welcomes, fences, now, hearsWithinMs });
    this.apply = new ApplyChecker(this.ledger, findings, this.terms);
    this.durability = new DurabilityChecker(this.ledger, this.findings);
    this.sender = new SenderChecker(this.ledger, this.findings);
  }

  /** Of the world, so that they outlive every machine. */
  get timers(): Timers {
    return this.virtual.runtime.timers;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.timers.after(ms, resolve));
  }

  /** Runs a part of the scenario; what it throws is a finding. */
  spawn(what: string, task: () => Promise<void>): Promise<void> {
    return task().catch((thrown: unknown) => {
      const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.findings.violation("the scenario itself works", `${what}: ${text}`);
    });
  }
}

/** Waits for an answer of something that runs on `host`, or for its death. */
export function callOn<T>(host: VirtualHost, call: () => Promise<T>): Promise<Answer<T>> {
  return new Promise((resolve) => {
    const forget = host.onKill(() => resolve({ kind: "dead" }));
    if (!host.alive) return;
    const settle = (answer: Answer<T>): void => {
      forget();
      if (host.alive) resolve(answer);
    };
    // Wrapped, so that what throws at once is an error like any other.
    (async () => call())().then(
      (value) => settle({ kind: "answer", value }),
      (error: unknown) => settle({ kind: "error", error }),
    );
  });
}
