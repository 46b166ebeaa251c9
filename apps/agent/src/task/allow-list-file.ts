import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { HawserError, thrownText } from "@hawser/protocol";
import { parseSettingsFile } from "@hawser/service";
import { z } from "zod";
import type { AllowedCommand, ArgumentRule } from "./command-policy.js";
import { isForbiddenVariable } from "./forbidden-variables.js";

const MAX_COMMANDS = 1_000;
const MAX_RULES = 1_024;
const path = z.string().refine((value) => isAbsolute(value), "must be an absolute path");
const rule = z.union([z.string(), z.strictObject({ pattern: z.string().min(1).max(1_000) })]);
const entry = z.strictObject({
  command: path,
  args: z.union([z.enum(["none", "any"]), z.array(rule).max(MAX_RULES)]).default("none"),
  cwd: z.array(path).max(MAX_RULES).default([]),
  env: z.array(z.string()).max(MAX_RULES).default([]),
});
const listSchema = z.strictObject({
  commands: z
    .array(z.preprocess((given) => (typeof given === "string" ? { command: given } : given), entry))
    .min(1)
    .max(MAX_COMMANDS),
});

/**
 * Reads the file of `--task-allow`: `commands`, a list of absolute real paths or of `{ command, args, cwd, env }` (README, Task).
 *
 * @throws HawserError `invalid_config` naming the file and everything that is wrong with it
 */
export function loadAllowList(file: string): readonly AllowedCommand[] {
  const parsed = listSchema.safeParse(Object.fromEntries(parseSettingsFile(read(file), file)));
  if (!parsed.success) throw wrong(file, [z.prettifyError(parsed.error).replaceAll("\n", " ")]);
  const problems: string[] = [];
  const commands = parsed.data.commands.map(({ command, args, cwd, env }): AllowedCommand => {
    problems.push(
      ...realPathProblems(command, "file"),
      ...cwd.flatMap((directory) => realPathProblems(directory, "directory")),
      ...env
        .filter(isForbiddenVariable)
        .map(
          (name) =>
            `${command}: the variable ${name} is never allowed, because it makes a program run or load something else`,
        ),
    );
    return {
      command,
      args: typeof args === "string" ? args : args.map((each) => toRule(each, problems)),
      cwd,
      env,
    };
  });
  if (problems.length > 0) throw wrong(file, problems);
  return commands;
}

function toRule(given: z.output<typeof rule>, problems: string[]): ArgumentRule {
  if (typeof given === "string") return given;
  try {
    return new RegExp(`^(?:${given.pattern})$`, "su");
  } catch (thrown) {
    problems.push(`the pattern ${JSON.stringify(given.pattern)} is no regular expression: ${String(thrown)}`);
    return "";
  }
}

/** A path that leads over a symbolic link would mean what the link means at the time; the list says one program. */
function realPathProblems(given: string, kind: "file" | "directory"): string[] {
  try {
    const real = realpathSync(given);
    if (real !== given) return [`${given} is a link; write its real path ${real}`];
    const found = statSync(real);
    return (kind === "file" ? found.isFile() : found.isDirectory()) ? [] : [`${given} is no ${kind}`];
  } catch (thrown) {
    return [`${given} cannot be used: ${thrownText(thrown)}`];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw wrong(file, [thrownText(thrown)]);
  }
}

function wrong(file: string, problems: readonly string[]): HawserError {
  return new HawserError("invalid_config", `--task-allow ${file} cannot be used: ${problems.join("; ")}`);
}
