import { readFile } from "node:fs/promises";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const LISTED = 25;
const IDLE = "(idle)";

/** Where the time of a `.cpuprofile` went: own time by package, then by function, in shares of the busy time. */
export async function profileSummary(file: string): Promise<string> {
  const profile: Profile = JSON.parse(await readFile(file, "utf8"));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  let total = 0;
  profile.samples.forEach((id, index) => {
    const node = nodes.get(id);
    const spent = profile.timeDeltas[index] ?? 0;
    total += spent;
    if (node === undefined || node.callFrame.functionName === IDLE) return;
    busy += spent;
    const { functionName, url, lineNumber } = node.callFrame;
    const place = placeOf(url);
    add(packages, url === "" ? functionName : place.name, spent);
    add(functions, `${functionName || "(anonymous)"} ${place.file}:${lineNumber + 1}`, spent);
  });
  const share = (spent: number): string => `${((100 * spent) / busy).toFixed(1).padStart(5)}%`;
  const list = (of: ReadonlyMap<string, number>): readonly string[] =>
    [...of]
      .sort(([, a], [, b]) => b - a)
      .slice(0, LISTED)
      .map(([name, spent]) => `  ${share(spent)}  ${name}`);
  return [
    `${file}: busy ${((100 * busy) / total).toFixed(0)}% of ${(total / 1e6).toFixed(1)} s`,
    "by package",
    ...list(packages),
    "by function",
    ...list(functions),
  ].join("\n");
}

function placeOf(url: string): { readonly name: string; readonly file: string } {
  const file = url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, "");
  const inModules = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  const inWorkspace = /\/packages\/([^/]+)\//.exec(url)?.[1];
  const name = url.startsWith("node:") ? url.split("/")[0] : (inModules ?? inWorkspace ?? "bench");
  return { name: name ?? url, file };
}

function add(to: Map<string, number>, key: string, spent: number): void {
  to.set(key, (to.get(key) ?? 0) + spent);
}
