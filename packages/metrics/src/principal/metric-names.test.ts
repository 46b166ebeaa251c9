import { createPrincipal } from "@hawser/principal";
import { ERROR_CODES } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { beforeAll, describe, expect, it } from "vitest";
import { createPrincipalMetrics } from "./principal-metrics.js";

/** A metric as the text format of Prometheus tells it. */
interface Told {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  /** Names of its series, with the endings of a histogram. */
  readonly series: readonly string[];
  readonly labels: readonly string[];
}

let told: readonly Told[];
let text: string;

/** Everything that can be told, told once. */
beforeAll(async () => {
  const metrics = createPrincipalMetrics();
  const store = createMemoryStore();
  const listen = { port: 0 };
  const principal = createPrincipal({ store, acceptors: [], listen, internal: { listen } });
  metrics.watch(principal);
  await principal.start();
  metrics.observer.rejected?.("a", ERROR_CODES[0]);
  metrics.observer.accepted?.("a", { resourceid: "a_1", eventid: "1", type: "t" });
  metrics.observer.sessionRefused?.("a", ERROR_CODES[0]);
  metrics.streams.refused("agents", ERROR_CODES[0]);
  const drained = principal.drain({ windowMs: 0, reason: "test" });
  text = await metrics.registry.metrics();
  await drained;
  await principal.stop();
  told = text
    .trimEnd()
    .split(/\n(?=# HELP )/)
    .map(parse);
});

function parse(block: string): Told {
  const lines = block.split("\n").filter((line) => line !== "");
  const [, name = "", help = ""] = /^# HELP (\S+) (.*)$/.exec(lines[0] ?? "") ?? [];
  const [, typed = "", type = ""] = /^# TYPE (\S+) (\S+)$/.exec(lines[1] ?? "") ?? [];
  expect(typed, block).toBe(name);
  const samples = lines.slice(2);
  return {
    name,
    help,
    type,
    series: [...new Set(samples.map((line) => /^[^{ ]+/.exec(line)?.[0] ?? ""))],
    labels: [
      ...new Set(
        samples.flatMap((line) => [...line.matchAll(/[{,]([^=,{]+)="/g)].map(([, label = ""]) => label)),
      ),
    ],
  };
}

function ours(): readonly Told[] {
  return told.filter(({ name }) => name.startsWith("hawser_"));
}

/** The rules of `promtool check metrics`, and those of prometheus.io/docs/practices/naming. */
describe("metrics are named as Prometheus wants them", () => {
  it("each once, with its samples behind its help and its type, and with no prefix but ours and those of the process", () => {
    const names = told.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^(hawser|process|nodejs)_/.test(name))).toEqual([]);
    expect(ours().length).toBeGreaterThan(30);
    for (const { name, type, series } of told) {
      const endings = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      expect(series.filter((one) => !endings.some((ending) => one === name + ending))).toEqual([]);
    }
  });

  it("in snake case, with a help that is a sentence", () => {
    for (const { name, help, labels } of ours()) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/);
      for (const label of labels) expect(label, name).toMatch(/^[a-z]+$/);
    }
  });

  it("counters end in _total, and nothing else does, nor in what a histogram ends in", () => {
    for (const { name, type } of told) expect(name.endsWith("_total"), name).toBe(type === "counter");
    for (const { name } of ours()) {
      expect(name).not.toMatch(/_(bucket|sum|count)$/);
      expect(name).not.toMatch(/_(counter|gauge|histogram|summary)(_|$)/);
    }
  });

  it("in base units, written out", () => {
    for (const { name, type } of ours()) {
      expect(name).not.toMatch(
        /_(ms|milliseconds|us|micros\w*|ns|nanos\w*|minutes?|hours?|days?|sec|secs|kb|kilobytes|mb|megabytes|kib|mib|percent|percentage)(_|$)/,
      );
      if (type === "histogram") expect(name).toMatch(/_(seconds|bytes)$/);
    }
  });

  it("what only carries labels ends in _info, and is 1", () => {
    const infos = ours().filter(({ name }) => name.endsWith("_info"));
    expect(infos.map(({ name }) => name)).toEqual(["hawser_info"]);
    expect(text).toMatch(/^hawser_info\{[^}]+\} 1$/m);
  });

  it("only histograms have the label le, and nothing has quantile", () => {
    for (const { name, type, labels } of ours()) {
      expect(labels.includes("le"), name).toBe(type === "histogram");
      expect(labels).not.toContain("quantile");
    }
  });
});
