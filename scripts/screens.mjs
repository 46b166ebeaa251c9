// Makes docs/screens.md: what a person sees of the command line, on terminals of 80 and 120 columns. Each command runs on a pseudo-terminal (script(1)) against 'hawser dev', and what it writes goes into an emulator,
// so that a screen is what is left to see, whatever was drawn over. Needs what is built, and script(1) of util-linux.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import headless from "@xterm/headless";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HAWSER = join(ROOT, "apps", "cli", "bin", "hawser.js");
const PAGE = join(ROOT, "docs", "screens.md");
const ROWS = 24;
/** Nothing here takes as long. */
const TIMEOUT_MS = 60_000;
/** Lines of a long screen that are shown, of its beginning and of its end. */
const SHOWN_LINES = 14;

/** @typedef {{ title: string, line: string, columns?: number, until?: RegExp, keys?: [RegExp, string][] }} Scene `until`: a screen that is there until q; `keys`: typed once such a thing is seen */

/** @type {Scene[]} */
const SCENES = [
  {
    title: "Four hundred documents: the bar has gone, and nothing of it is left",
    line: "apply -f many.yaml --wait",
  },
  { title: "An agent", line: "describe edge-grpc" },
  { title: "A resource", line: "describe edge-grpc/Task/clock" },
  {
    title: "What a Task writes, live, until Ctrl-C",
    line: "logs edge-grpc/Task/clock --follow --tail 3",
    keys: [[/(?:.*T\d\d:\d\d.*\n){5}/, "\u0003"]],
  },
  { title: "Agents", line: "agents" },
  { title: "Agents, with all there is of them", line: "agents --output wide", columns: 120 },
  { title: "Agents, live", line: "agents --watch", until: /by name up[^]*q ends/ },
  {
    title: "Agents, live: the keys",
    line: "agents --watch",
    keys: [[/q ends/, "?"]],
    until: /PgUp, PgDn[^]*the end$/,
  },
  { title: "Top", line: "top", until: /accepted \d[^]*q ends/ },
  { title: "Steps in the life of events", line: "events edge-grpc", columns: 120 },
  { title: "A drain is asked for first", line: "drain", keys: [[/y\/N/, "n\r"]] },
];

/** What is left to see of what was written, without the spaces at the ends of the lines. @param {import("@xterm/headless").Terminal} terminal */
function seen(terminal) {
  const { active } = terminal.buffer;
  const lines = Array.from(
    { length: active.length },
    (_, n) => active.getLine(n)?.translateToString(true) ?? "",
  );
  return lines.join("\n").trimEnd();
}

/** @param {Scene} scene @param {string} folder @param {string} server */
async function play({ line, columns = 80, until, keys = [] }, folder, server) {
  const terminal = new headless.Terminal({
    cols: columns,
    rows: ROWS,
    scrollback: 5_000,
    allowProposedApi: true,
  });
  const command = `stty rows ${ROWS} cols ${columns}; exec ${process.execPath} ${HAWSER} ${line}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: folder,
    env: { ...process.env, HAWSER_SERVER: server, TERM: "xterm", NO_COLOR: "1" },
    timeout: TIMEOUT_MS,
  });
  const left = [...keys];
  /** @type {string | undefined} */
  let screen;
  child.stdout.setEncoding("utf8").on("data", (chunk) =>
    terminal.write(chunk, () => {
      const text = seen(terminal);
      const [next] = left;
      if (next?.[0].test(text)) child.stdin.write(left.shift()?.[1]);
      else if (screen === undefined && left.length === 0 && until?.test(text)) {
        screen = text;
        child.stdin.write("q");
      }
    }),
  );
  await once(child, "close");
  await new Promise((resolve) => terminal.write("", () => resolve(undefined)));
  if (until !== undefined && screen === undefined)
    throw new Error(`'hawser ${line}' never showed ${until}; in the end there was:\n${seen(terminal)}`);
  return screen ?? seen(terminal);
}

/** Long ones without their middle. @param {string} text */
function shortened(text) {
  const lines = text.split("\n");
  const left = lines.length - 2 * SHOWN_LINES;
  if (left <= 1) return text;
  return [...lines.slice(0, SHOWN_LINES), `(${left} lines more)`, ...lines.slice(-SHOWN_LINES)].join("\n");
}

/** @param {number} count */
function manifests(count) {
  return Array.from(
    { length: count },
    (_, n) =>
      `agent: edge-json\nkind: ConfigFile\nname: file-${n}\nspec: { path: file-${n}, content: "${n}" }\n`,
  ).join("---\n");
}

const CLOCK = `agent: edge-grpc
kind: Task
name: clock
spec: { command: node, args: ["-e", "setInterval(() => console.log(new Date().toJSON()), 1000)"] }
`;

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "hawser-screens-"));
  const args = [
    "dev",
    "--listen",
    "127.0.0.1:0",
    "--api-listen",
    "127.0.0.1:0",
    "--data-dir",
    join(folder, "data"),
  ];
  const fleet = spawn(process.execPath, [HAWSER, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(fleet, "close");
  try {
    const server = await new Promise((resolve, reject) => {
      let said = "";
      fleet.stdout.setEncoding("utf8").on("data", (chunk) => {
        said += chunk;
        const [, found] = /export HAWSER_SERVER=(\S+)/.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      });
      fleet.on("exit", () => reject(new Error(`hawser dev ended:\n${said}`)));
    });
    writeFileSync(join(folder, "many.yaml"), manifests(400));
    writeFileSync(join(folder, "clock.yaml"), CLOCK);
    await play({ title: "", line: "apply -f clock.yaml --wait" }, folder, server);
    const parts = [];
    for (const scene of SCENES) {
      const screen = shortened(await play(scene, folder, server));
      parts.push(
        `## ${scene.title}\n\n\`hawser ${scene.line}\`, ${scene.columns ?? 80} columns:\n\n\`\`\`text\n${screen}\n\`\`\`\n`,
      );
      console.error(`screens: hawser ${scene.line}`);
    }
    writeFileSync(PAGE, `${INTRODUCTION}\n${parts.join("\n")}`);
  } finally {
    fleet.kill("SIGINT");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

const INTRODUCTION = `# What one sees

Screens of the command line on terminals of ${ROWS} lines, made by \`node scripts/screens.mjs\` from what the commands write: against \`hawser dev\`, which is three agents, with 400 files for one of them. Colours are left out, and the middle of what is long.
`;

await main();
