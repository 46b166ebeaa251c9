import { HawserError } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { defined, MAX_UNIX_PATH_BYTES } from "@hawser/runtime";
import {
  duration,
  hostPort,
  hostPortOrUnix,
  integer,
  list,
  loadSettings,
  oneOf,
  text,
  toggle,
  type SettingsOf,
} from "./index.js";

const shape = {
  name: { description: "who it is", placeholder: "<name>", schema: text() },
  dataDir: { description: "where data goes", placeholder: "<path>", schema: text().default("./data") },
  window: {
    description: "events in flight",
    placeholder: "<n>",
    schema: integer({ min: 1, max: 100 }).default(10),
  },
  rotationMin: {
    description: "shortest session",
    placeholder: "<duration>",
    schema: duration({ minMs: 1_000, maxMs: 3_600_000 }).default(900_000),
  },
  listen: { description: "where to listen", placeholder: "<host:port>", schema: hostPort().optional() },
  format: { description: "codec", placeholder: "<format>", schema: oneOf(["json", "proto"]).default("json") },
  check: { description: "only check", schema: toggle().default(false) },
};

function load(
  args: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
  checkTogether?: (settings: SettingsOf<typeof shape>) => void,
) {
  return loadSettings({
    program: "thing",
    description: "A thing.",
    version: "1.2.3",
    variablePrefix: "THING_",
    shape,
    args,
    env,
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return content;
    },
    ...defined({ checkTogether }),
  });
}

function settingsOf(...input: Parameters<typeof load>) {
  const loaded = load(...input);
  if (loaded.kind !== "settings") throw new Error(loaded.text);
  return loaded.settings;
}

function problemOf(...input: Parameters<typeof load>): string {
  try {
    load(...input);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(HawserError);
    expect(HawserError.from(thrown).code).toBe("invalid_config");
    return HawserError.from(thrown).message;
  }
  throw new Error("nothing was wrong");
}

describe("loadSettings", () => {
  it("tells with a wrong value what is wrong with the others together, and nothing of the wrong one", () => {
    const checkTogether = ({ window, format, listen }: SettingsOf<typeof shape>): void => {
      const problems = [
        ...(format === "proto" ? ["--format proto needs a tongue"] : []),
        ...(listen === undefined ? ["--listen is missing beside --format"] : []),
        ...(window < 20 ? ["--window is below 20"] : []),
      ];
      throw new HawserError("invalid_config", ["thing cannot start:", ...problems].join("\n  "));
    };
    const lines = (...args: readonly string[]) => problemOf(args, {}, {}, checkTogether).split("\n").slice(1);
    expect(lines("--name=x", "--window=many", "--format=proto")).toEqual([
      expect.stringMatching(/^ {2}--window is not a whole number/),
      "  --format proto needs a tongue",
      "  --listen is missing beside --format",
    ]);
    expect(lines("--name=x", "--listen=nowhere")).toEqual([
      expect.stringMatching(/^ {2}--listen is not an address/),
      "  --window is below 20",
    ]);
    // What has no default cannot be thought away.
    expect(lines("--window=many")).toHaveLength(2);
  });

  it("takes a setting whose name begins with no for one of its own, and not for the end of another", () => {
    const both = {
      proxy: { description: "the way out", placeholder: "<url>", schema: text().optional() },
      noProxy: { description: "what needs none", placeholder: "<list>", schema: text().optional() },
    };
    const read = (...args: readonly string[]): unknown => {
      const options = { program: "thing", description: "", version: "1", variablePrefix: "THING_" };
      const loaded = loadSettings({ ...options, shape: both, args, env: {}, readFile: () => "" });
      return loaded.kind === "settings" ? loaded.settings : loaded.text;
    };
    expect(read("--no-proxy", "a.example")).toEqual({ proxy: undefined, noProxy: "a.example" });
    const proxied = { proxy: "http://b.example", noProxy: "a.example" };
    expect(read("--proxy", "http://b.example", "--no-proxy", "a.example")).toEqual(proxied);
    expect(read("--no-proxy=a.example", "--proxy=http://b.example")).toEqual(proxied);
    expect(read()).toEqual({ proxy: undefined, noProxy: undefined });
  });

  it("takes flags before variables, variables before the file, the file before defaults", () => {
    const files = { "s.yaml": "name: file\ndataDir: /file\nwindow: 7\nformat: proto\n" };
    const env = { THING_CONFIG: "s.yaml", THING_DATA_DIR: "/env", THING_NAME: "env" };
    expect(settingsOf(["--name", "flag"], env, files)).toEqual({
      name: "flag",
      dataDir: "/env",
      window: 7,
      rotationMin: 900_000,
      listen: undefined,
      format: "proto",
      check: false,
    });
  });

  it("refuses a variable that names no setting, and takes those of a Service of Kubernetes for what they are", () => {
    const misspelt = {
      THING_NAME: "a",
      THING_WINDWO: "5",
      THING_: "x",
      THING_EMPTY: "",
      ANOTHER_THING_X: "1",
    };
    expect(problemOf([], misspelt).split("\n").slice(1)).toEqual([
      "  THING_WINDWO is the name of no setting; thing --help lists them",
      "  THING_ is the name of no setting; thing --help lists them",
    ]);
    const service = {
      THING_SERVICE_HOST: "10.0.0.1",
      THING_SERVICE_PORT: "7480",
      THING_SERVICE_PORT_AGENTS: "7480",
      THING_PORT: "tcp://10.0.0.1:7480",
      THING_PORT_7480_TCP: "tcp://10.0.0.1:7480",
      THING_PORT_7480_TCP_ADDR: "10.0.0.1",
      THING_PORT_7480_TCP_PORT: "7480",
      THING_PORT_7480_TCP_PROTO: "tcp",
      THING_API_SERVICE_HOST: "10.0.0.2",
      THING_API_PORT_7481_TCP: "tcp://10.0.0.2:7481",
    };
    expect(settingsOf(["--name", "a"], service)).toMatchObject({ name: "a" });
  });

  it("reads durations, addresses and switches", () => {
    const settings = settingsOf(["--name", "a", "--rotation-min", "1.5m", "--listen", "[::1]:0", "--check"]);
    expect(settings).toMatchObject({ rotationMin: 90_000, listen: { host: "::1", port: 0 }, check: true });
    expect(settingsOf(["--name", "a", "--listen", ":80"]).listen).toEqual({ host: "::", port: 80 });
  });

  it("reads an address of TCP or of a Unix socket, and names the limit of its path", () => {
    const either = hostPortOrUnix();
    expect(either.parse("127.0.0.1:80")).toEqual({ host: "127.0.0.1", port: 80 });
    expect(either.parse("unix:/run/a:1.sock")).toEqual({ path: "/run/a:1.sock" });
    for (const wrong of ["unix:", "unix:run.sock", "/run/a.sock", "here"])
      expect(either.safeParse(wrong).error?.issues[0]?.message).toContain("is not an address such as");
    const long = `unix:/${"a".repeat(MAX_UNIX_PATH_BYTES)}`;
    expect(either.safeParse(long).error?.issues[0]?.message).toContain(`is ${MAX_UNIX_PATH_BYTES + 1} bytes`);
  });

  it("reads a list, and refuses empty items of it", () => {
    expect(list().parse("a, b")).toEqual(["a", "b"]);
    for (const wrong of [",", "a,,b", "a,", " ", ", "])
      expect(list().safeParse(wrong).success, wrong).toBe(false);
  });

  it("reports every problem at once, each with its origin and what to put", () => {
    const problem = problemOf(["--window", "0", "--listen", "here"], { THING_ROTATION_MIN: "15" }, {});
    expect(problem.split("\n")).toEqual([
      "thing cannot start:",
      "  --name (or THING_NAME) is missing: who it is",
      '  --window is not a whole number from 1 to 100 (it is "0"): events in flight',
      '  THING_ROTATION_MIN is not a duration such as 500ms, 20s, 15m or 1h (it is "15"): shortest session',
      '  --listen is not an address such as 127.0.0.1:7480, [::1]:7480 or :7480 (it is "here"): where to listen',
    ]);
  });

  it("names a file that cannot be read", () => {
    expect(problemOf(["--name", "a", "--config", "gone.yaml"])).toContain(
      "the settings file gone.yaml cannot be read: ENOENT",
    );
  });

  it("names line and column of a broken file", () => {
    expect(problemOf(["--config", "s.yaml"], {}, { "s.yaml": "name: a\nwindow: [" })).toMatch(
      /s\.yaml:2:\d+: /,
    );
  });

  it("names a key nobody knows", () => {
    expect(problemOf(["--config", "s.yaml"], {}, { "s.yaml": "name: a\nwidnow: 3" })).toContain(
      "'widnow' in s.yaml is not a setting",
    );
  });

  it("refuses a flag nobody knows, and an argument too many", () => {
    expect(problemOf(["--nmae", "a"])).toContain("unknown option '--nmae'");
    expect(problemOf(["--name", "a", "b"])).toContain("too many arguments");
  });

  it("answers help and version as text", () => {
    expect(load(["--version"])).toEqual({ kind: "text", text: "1.2.3" });
    const help = load(["--help"]);
    expect(help.kind === "text" && help.text).toContain("--rotation-min <duration>");
    expect(help.kind === "text" && help.text).toContain("THING_ROTATION_MIN");
  });
});
