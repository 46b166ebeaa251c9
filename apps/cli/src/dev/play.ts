import type { Fleet } from "@hawser/app-fleet";
import { DEFAULT_SERVER } from "../context/resolve-server.js";
import type { Style } from "../output/style.js";

/** Something to apply, for each of the agents. */
export const DEMO_MANIFEST = `# For the three agents of 'hawser dev'. Change it, look at 'hawser diff -f', then apply it again.
agent: edge-json
kind: ConfigFile
name: motd
spec:
  path: motd
  content: |
    Ahoy.
---
agent: edge-proto
kind: ConfigFile
name: motd
spec:
  path: motd
  content: |
    Ahoy.
---
agent: edge-grpc
kind: Task
name: clock
spec:
  command: node
  args: ["-e", "setInterval(() => console.log(new Date().toISOString()), 1000)"]
`;

/** What to type next, in another terminal. */
export function playCommands(fleet: Fleet, manifest: string, style: Style): string {
  const { server } = fleet;
  return `
${style.bold("Everything runs until you press Ctrl-C.")} In another terminal:
${server === DEFAULT_SERVER ? "" : `\n  export HAWSER_SERVER=${server}`}
  hawser agents
  hawser apply -f ${manifest} --wait
  hawser describe edge-grpc/Task/clock
  hawser events --follow
  hawser top
  kill -9 ${fleet.principal.pid ?? ""}    # the principal; what you kill is started again
`;
}
