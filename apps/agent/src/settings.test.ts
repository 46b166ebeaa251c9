import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_UNIX_PATH_BYTES } from "@hawser/runtime";
import { loadSettings } from "@hawser/service";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkSettings, dataDirOf } from "./check-settings.js";
import { settingsShape, type AgentSettings } from "./settings.js";
import { VERSION } from "./version.js";

interface Given {
  readonly env?: Record<string, string>;
  readonly file?: string;
}

function load(args: readonly string[], { env = {}, file }: Given = {}): AgentSettings {
  const loaded = loadSettings({
    program: "hawser-agent",
    description: "",
    version: VERSION,
    variablePrefix: "HAWSER_AGENT_",
    shape: settingsShape,
    args,
    env,
    readFile: () => {
      if (file === undefined) throw new Error("ENOENT: no such file");
      return file;
    },
  });
  if (loaded.kind === "text") throw new Error(loaded.text);
  return loaded.settings;
}

function problems(run: () => unknown): string[] {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Error) return thrown.message.split("\n").slice(1);
  }
  return [];
}

const NEEDED = ["--name", "edge-1", "--url", "wss://principal.example"];

describe("the settings of the agent", () => {
  it("need a name and a URL, and nothing else", () => {
    const settings = load(NEEDED);
    expect(settings).toMatchObject({
      name: "edge-1",
      format: "json",
      window: 256,
      rotationMin: 900_000,
      rotationMax: 2_700_000,
      reconnectMax: 120_000,
      logLevel: "info",
      configFileRoot: undefined,
      taskAllow: undefined,
      taskAllowAnyCommand: false,
      check: false,
    });
    expect(dataDirOf(settings)).toBe(".hawser/agent-edge-1");
  });

  it("come from flags before the environment, before the file, before the default", () => {
    const file = "name: from-file\nwindow: 7\nrotationMin: 1m\ntaskMax: 3\n";
    const env = {
      HAWSER_AGENT_WINDOW: "8",
      HAWSER_AGENT_ROTATION_MIN: "2m",
      HAWSER_AGENT_CONFIG: "agent.yaml",
    };
    const settings = load(["--url", "grpc://p:1", "--rotation-min", "3m"], { env, file });
    expect(settings).toMatchObject({ name: "from-file", window: 8, rotationMin: 180_000, taskMax: 3 });
  });

  it("that are wrong are told all at once, each with its origin, what is wrong and what to put", () => {
    const told = problems(() =>
      load(["--url", "http://p", "--task-max", "many"], {
        env: { HAWSER_AGENT_NAME: "Edge 1", HAWSER_AGENT_CONFIG: "a.yaml" },
        file: "rotationMin: 15\nwindwo: 1\n",
      }),
    );
    expect(told).toHaveLength(5);
    const all = told.join("\n");
    expect(all).toContain('HAWSER_AGENT_NAME is not an agent name (it is "Edge 1"): this agent\'s name: a-z');
    expect(all).toContain('--url is not such a URL (it is "http://p"): where the principal is: ws://');
    expect(all).toContain('--task-max is not a whole number from 1 to 10000 (it is "many")');
    expect(all).toContain(
      "'rotationMin' in a.yaml is not a duration such as 500ms, 20s, 15m or 1h (it is 15)",
    );
    expect(all).toContain("'windwo' in a.yaml is not a setting");
  });

  it("in a file that cannot be read or understood are told by path, reason and line", () => {
    const [unreadable] = problems(() => load([...NEEDED, "--config", "gone.yaml"]));
    expect(unreadable).toContain("gone.yaml cannot be read: ENOENT");
    const [broken] = problems(() =>
      load([...NEEDED, "--config", "bad.yaml"], { file: "window: 1\nurl: [\n" }),
    );
    expect(broken).toMatch(/bad\.yaml:[23]:\d+: /);
  });

  it.each([
    "ws://p",
    "wss://p:1/path?x=1",
    "grpc://p:1",
    "grpcs://[::1]:1",
    "ws+unix:/run/a.sock",
    "ws+unix:/run/a.sock:/path?x=1",
    "grpc+unix:/run/a.sock",
  ])("take the URL %s", (url) => {
    expect(load(["--name", "a", "--url", url]).url).toBe(url);
  });

  it.each([
    "p:1",
    "ws://",
    "grpc://p",
    "grpc://p:1/path?query",
    "ws://user:secret@p",
    "ws://p#x",
    "http://p",
    "ws+unix:run/a.sock",
    "ws+unix://p/a.sock",
    "ws+unix:/%zz",
    "grpc+unix:/",
    "grpc+unix:/a.sock?x=1",
    `grpc+unix:/${"a".repeat(MAX_UNIX_PATH_BYTES)}`,
  ])("refuse the URL %s", (url) => {
    expect(problems(() => load(["--name", "a", "--url", url]))).toHaveLength(1);
  });

  it("read a user by number, a mode and where control groups are made", () => {
    const flags = ["--task-user", "1500:1600", "--config-file-max-mode", "0640", "--task-cgroup", "/sys/x"];
    expect(load([...NEEDED, ...flags])).toMatchObject({
      taskUser: { uid: 1500, gid: 1600 },
      configFileMaxMode: 0o640,
      taskCgroup: { directory: "/sys/x" },
    });
    expect(load([...NEEDED, "--task-user", "1500"]).taskUser).toEqual({ uid: 1500, gid: 1500 });
    for (const wrong of [
      ["--task-user", "nobody"],
      ["--config-file-max-mode", "4755"],
      ["--task-cgroup", "x"],
    ])
      expect(problems(() => load([...NEEDED, ...wrong]))).toHaveLength(1);
  });
});

describe("settings that depend on each other", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "hawser-settings-"));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("are told all at once when they contradict each other or name files that are not there", () => {
    const files = ["--tls-cert", "/no/cert", "--token-file", "/no/token"];
    const settings = load(["--name", "a", "--url", "ws://p", ...files, "--rotation-min", "1h"]);
    const told = problems(() => checkSettings(settings)).join("\n");
    expect(told).toContain("--tls-cert and --tls-key go together");
    expect(told).toContain("have no effect with --url ws://p; use wss://");
    expect(told).toContain("--rotation-min (3600000 ms) is above --rotation-max (2700000 ms)");
    expect(told).toContain("--token-file /no/token cannot be used");
    expect(told).toContain("--tls-cert /no/cert cannot be used");
  });

  it("are told when a file holds no PEM", async () => {
    const ca = join(directory, "ca.pem");
    await writeFile(ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    const told = problems(() => checkSettings(load([...NEEDED, "--tls-ca", ca])));
    expect(told).toEqual([expect.stringContaining(`--tls-ca ${ca} cannot be used`)]);
  });

  it("pass when all is well", async () => {
    const token = join(directory, "token");
    await writeFile(token, "s3cret\n");
    expect(() => checkSettings(load([...NEEDED, "--token-file", token]))).not.toThrow();
  });
});

it("every setting is in the README", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const flags = Object.keys(settingsShape).map(
    (key) => `\`--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}\``,
  );
  expect(flags.filter((flag) => !readme.includes(flag))).toEqual([]);
});

it("the version is that of the package", async () => {
  const manifest: { version: string } = JSON.parse(
    await readFile(new URL("../package.json", import.meta.url), "utf8"),
  );
  expect(VERSION).toBe(manifest.version);
});
