import { realpath } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { HawserError } from "@hawser/protocol";
import type { TaskSpec } from "./task-spec.js";

/** One argument at its place: this text exactly, or one that a regular expression matches as a whole. */
export type ArgumentRule = string | RegExp;

/** A program that Task may run, and with what. */
export interface AllowedCommand {
  /** The absolute real path of the program: no symbolic link on the way. */
  readonly command: string;
  /** None, any, or exactly these, place by place. */
  readonly args: "none" | "any" | readonly ArgumentRule[];
  /** Absolute real paths; the first is where a spec without `cwd` runs. None: it runs in `/`, and a spec must not name another. */
  readonly cwd: readonly string[];
  /** Names of variables that a spec may set. */
  readonly env: readonly string[];
}

/** What this agent lets kind Task run. `off`: nothing. `any`: whatever the principal says. `listed`: what an operator of this machine wrote down. */
export type CommandPolicy =
  | { readonly kind: "off" }
  | { readonly kind: "any" }
  | { readonly kind: "listed"; readonly commands: readonly AllowedCommand[] };

/** What is started. */
export interface PermittedCommand {
  /** As the spec has it where any command may run; an absolute real path otherwise. */
  readonly command: string;
  readonly args: readonly string[];
  /** Undefined: where the agent runs. */
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

const HOW_TO_TURN_ON =
  "Task: this agent runs no processes for the principal. Start it with --task-allow <file>, which lists the commands it may run (or with --task-allow-any-command, where the principal may run anything as the agent's user)";

/**
 * What of the spec may be started. Real paths are read anew at each call, so that a path which has become a link to something else no longer passes; what passes is started by
 * its real path.
 *
 * @throws HawserError `kind_disabled` where Task is off, `handler_rejected` where the list does not allow the spec
 */
export async function permit(policy: CommandPolicy, spec: TaskSpec): Promise<PermittedCommand> {
  switch (policy.kind) {
    case "off":
      throw new HawserError("kind_disabled", HOW_TO_TURN_ON);
    case "any":
      return { command: spec.command, args: spec.args, cwd: spec.cwd, env: spec.env };
    case "listed":
      return permitListed(policy.commands, spec);
  }
}

async function permitListed(commands: readonly AllowedCommand[], spec: TaskSpec): Promise<PermittedCommand> {
  if (!isAbsolute(spec.command))
    throw refused(spec, "is no absolute path, and PATH is not searched; only absolute paths are allowed");
  const command = (await realPathOf(spec.command)) ?? spec.command;
  const listed = commands.filter((each) => each.command === command);
  if (listed.length === 0) throw refused(spec, "is not listed");
  let reason = "";
  for (const each of listed) {
    const problem = argumentProblem(each, spec) ?? variableProblem(each, spec);
    const cwd = await workingDirectory(each, spec);
    if (problem === undefined && cwd !== undefined) return { command, args: spec.args, cwd, env: spec.env };
    reason = problem ?? directoryProblem(each, spec);
  }
  throw refused(spec, reason);
}

function argumentProblem({ args }: AllowedCommand, spec: TaskSpec): string | undefined {
  if (args === "any") return undefined;
  if (args === "none") return spec.args.length === 0 ? undefined : "is listed without arguments";
  const fits =
    args.length === spec.args.length && args.every((rule, index) => matches(rule, spec.args[index] ?? ""));
  return fits ? undefined : "is not listed with these arguments";
}

function matches(rule: ArgumentRule, argument: string): boolean {
  return typeof rule === "string" ? rule === argument : rule.test(argument);
}

function variableProblem({ env }: AllowedCommand, spec: TaskSpec): string | undefined {
  const foreign = Object.keys(spec.env).find((name) => !env.includes(name));
  return foreign === undefined ? undefined : `is not listed with the variable ${foreign}`;
}

function directoryProblem({ cwd }: AllowedCommand, spec: TaskSpec): string {
  return spec.cwd === undefined
    ? `cannot run in ${cwd[0]}, which is no longer the directory`
    : "is not listed with this cwd";
}

/** A directory that was not asked for is looked at as well: it can have become a link since the list was read. */
async function workingDirectory({ cwd }: AllowedCommand, spec: TaskSpec): Promise<string | undefined> {
  const asked = spec.cwd ?? cwd[0];
  if (asked === undefined) return "/";
  if (!isAbsolute(asked)) return undefined;
  const real = (await realPathOf(asked)) ?? asked;
  return cwd.find((each) => each === real);
}

/** Undefined where there is nothing, or the agent may not look. */
async function realPathOf(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

function refused({ command }: TaskSpec, reason: string): HawserError {
  return new HawserError(
    "handler_rejected",
    `Task: command ${JSON.stringify(command)} ${reason} in the --task-allow list of this agent`,
  );
}
