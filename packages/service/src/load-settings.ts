import { Command, CommanderError, Option } from "commander";
import { HawserError, thrownText } from "@hawser/protocol";
import { flagName, variableName } from "./setting-names.js";
import type { SettingsOf, SettingsShape } from "./setting.js";
import { parseSettingsFile } from "./settings-file.js";

/** A program and its settings. */
export interface ProgramSettings<Shape extends SettingsShape> {
  /** Name of the executable, in its help and in its log. */
  readonly program: string;
  readonly description: string;
  readonly version: string;
  /** e.g. `HAWSER_AGENT_` */
  readonly variablePrefix: string;
  readonly shape: Shape;
}

/** Sources of the settings. */
export interface LoadOptions<Shape extends SettingsShape> extends ProgramSettings<Shape> {
  /** Without the program itself. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws when the file cannot be read */
  readonly readFile: (path: string) => string;
  /** Text below the options in the help. */
  readonly epilogue?: string;
  /**
   * Checks the settings together, such as for exclusive ones. If a value is wrong, its default is
   * used here, so that all problems are reported at once; if none is, the caller checks.
   * @default no check
   * @throws HawserError `invalid_config`
   */
  readonly checkTogether?: (settings: SettingsOf<Shape>) => void;
}

/** The settings, or text to print. */
export type Loaded<Shape extends SettingsShape> =
  | { readonly kind: "settings"; readonly settings: SettingsOf<Shape> }
  /** Help or version: print it and end with 0. */
  | { readonly kind: "text"; readonly text: string };

/** A value and its source. */
type Origin = { readonly value: unknown; readonly from: string };
type Sources = Omit<LoadOptions<SettingsShape>, "checkTogether">;
type Values = ReadonlyMap<string, unknown>;
type SettingsFile = { readonly path: string; readonly values: Values };

const NO_FILE: SettingsFile = { path: "", values: new Map() };

/**
 * Merges settings: a flag precedes a variable, a variable the file (`--config` or
 * `<PREFIX>CONFIG`), the file the default.
 * @throws HawserError `invalid_config` with every problem on its line: source, value, reason. An
 *   unknown variable with the prefix is a problem, unless Kubernetes sets it for a Service
 */
export function loadSettings<Shape extends SettingsShape>(options: LoadOptions<Shape>): Loaded<Shape> {
  const flags = parseFlags(options);
  if (flags.kind === "text") return flags;
  const problems = unknownVariables(options).map(
    (variable) => `${variable} is the name of no setting; ${options.program} --help lists them`,
  );
  const file = readSettingsFile(options, flags.values, problems);
  const values: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const [key, setting] of Object.entries(options.shape)) {
    const origin = originOf(options, key, flags.values, file);
    const parsed = setting.schema.safeParse(origin?.value);
    if (parsed.success) values[key] = parsed.data;
    else {
      wrong.push(key);
      problems.push(...parsed.error.issues.map(({ message }) => describe(options, key, origin, message)));
    }
  }
  if (problems.length > 0) {
    problems.push(...furtherProblems(options, values, wrong));
    throw new HawserError(
      "invalid_config",
      [`${options.program} cannot start:`, ...problems.map((problem) => `  ${problem}`)].join("\n"),
    );
  }
  // Each key was parsed by its own schema above.
  return { kind: "settings", settings: values as SettingsOf<Shape> };
}

/**
 * Problems of the settings with defaults for the wrong ones. None if a wrong one has no default,
 * and none about the wrong ones.
 */
function furtherProblems<Shape extends SettingsShape>(
  { shape, checkTogether }: LoadOptions<Shape>,
  values: Readonly<Record<string, unknown>>,
  wrong: readonly string[],
): readonly string[] {
  const defaults = wrong.map((key) => [key, shape[key]?.schema.safeParse(undefined)] as const);
  if (defaults.some(([, parsed]) => parsed?.success !== true)) return [];
  const mended = Object.fromEntries(defaults.map(([key, parsed]) => [key, parsed?.data]));
  try {
    checkTogether?.({ ...values, ...mended } as SettingsOf<Shape>);
    return [];
  } catch (thrown) {
    const error = HawserError.from(thrown);
    const lines = error.message.split("\n").filter((line) => !line.endsWith(" cannot start:"));
    const flags = wrong.map((key) => new RegExp(`--${flagName(key)}(?![\\w-])`));
    return lines.map((line) => line.trim()).filter((line) => !flags.some((flag) => flag.test(line)));
  }
}

/** Variables that Kubernetes sets in containers for a Service whose name begins with the prefix. */
const OF_A_SERVICE =
  /(?:^|_)(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT|PORT_\d+_(?:TCP|UDP)(?:_(?:ADDR|PORT|PROTO))?)$/;

/** Unknown variables with the prefix: a misspelt name would silently leave the default. */
function unknownVariables({ env, shape, variablePrefix }: Sources): readonly string[] {
  const known = new Set(["config", ...Object.keys(shape)].map((key) => variableName(variablePrefix, key)));
  return Object.keys(env).filter(
    (name) =>
      name.startsWith(variablePrefix) &&
      env[name] !== "" &&
      !known.has(name) &&
      !OF_A_SERVICE.test(name.slice(variablePrefix.length)),
  );
}

function originOf(
  { env, variablePrefix }: Sources,
  key: string,
  flags: Values,
  file = NO_FILE,
): Origin | undefined {
  if (flags.has(key)) return { value: flags.get(key), from: `--${flagName(key)}` };
  const variable = variableName(variablePrefix, key);
  const fromEnvironment = env[variable];
  if (fromEnvironment !== undefined && fromEnvironment !== "")
    return { value: fromEnvironment, from: variable };
  return file.values.has(key) ? { value: file.values.get(key), from: `'${key}' in ${file.path}` } : undefined;
}

function describe(options: Sources, key: string, origin: Origin | undefined, message: string): string {
  const advice = options.shape[key]?.description ?? "";
  if (origin === undefined)
    return `--${flagName(key)} (or ${variableName(options.variablePrefix, key)}) is missing: ${advice}`;
  const shown = JSON.stringify(origin.value)?.slice(0, 200) ?? String(origin.value);
  return `${origin.from} ${message} (it is ${shown}): ${advice}`;
}

function readSettingsFile(options: Sources, flags: Values, problems: string[]): SettingsFile {
  const path = originOf(options, "config", flags)?.value;
  if (typeof path !== "string" || path === "") return NO_FILE;
  try {
    const values = parseSettingsFile(options.readFile(path), path);
    for (const key of values.keys()) {
      if (!Object.hasOwn(options.shape, key))
        problems.push(
          `'${key}' in ${path} is not a setting; known are ${Object.keys(options.shape).join(", ")}`,
        );
    }
    return { path, values };
  } catch (thrown) {
    const reason = thrownText(thrown);
    problems.push(
      thrown instanceof HawserError ? reason : `the settings file ${path} cannot be read: ${reason}`,
    );
    return NO_FILE;
  }
}

function parseFlags(
  options: Sources,
): { readonly kind: "flags"; readonly values: Values } | { readonly kind: "text"; readonly text: string } {
  let output = "";
  const write = (chunk: string): void => {
    output += chunk;
  };
  const command = new Command(options.program)
    .description(options.description)
    .version(options.version)
    .option(
      "--config <path>",
      `settings in a YAML or JSON file (${variableName(options.variablePrefix, "config")})`,
    )
    .configureOutput({ writeOut: write, writeErr: write })
    .addHelpText("after", options.epilogue ?? "")
    .allowExcessArguments(false)
    .exitOverride();
  for (const [key, setting] of Object.entries(options.shape)) {
    const flag = `--${flagName(key)}${setting.placeholder === undefined ? "" : ` ${setting.placeholder}`}`;
    const option = new Option(flag, `${setting.description} (${variableName(options.variablePrefix, key)})`);
    // commander would read `--no-proxy` as the negation of `--proxy`; here it is its own setting.
    option.negate = false;
    command.addOption(option);
  }
  try {
    command.parse(options.args, { from: "user" });
    return { kind: "flags", values: new Map(Object.entries(command.opts())) };
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return { kind: "text", text: output.trimEnd() };
    throw new HawserError(
      "invalid_config",
      `${options.program}: ${thrown.message.replace(/^error: /, "")}; see --help`,
      { cause: thrown },
    );
  }
}
