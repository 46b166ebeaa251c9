import { PROTOCOL_VERSIONS } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import { expiryProblem } from "@hawser/service";
import type { ApiClient } from "../api/api-client.js";
import { Refusal, send } from "../api/http.js";
import type { Answer } from "../api/request.js";
import type { Info } from "../api/schemas.js";
import { fail, ok, warn, type Check } from "./check.js";

const TIMEOUT_MS = 5_000;
/** Beyond this, expiry times and the order of logs mislead. `Date` has whole seconds, so less cannot be told. */
const WARN_CLOCK_MS = 5_000;

/** Everything about the principal; what cannot be looked at because something before it failed is not listed. */
export async function checkPrincipal(
  client: ApiClient,
  clock: Clock,
  version: string,
): Promise<readonly Check[]> {
  const { server } = client;
  let alive: Answer;
  try {
    alive = await send(server, "/livez", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return [
      fail("reachable", reason, "start a principal (hawser dev is the quickest), or correct the address"),
    ];
  }
  alive.abandon();
  const checks = [ok("reachable", server.url), checkClock(alive.header("date"), clock)];
  try {
    const info = await client.info();
    checks.push(ok("token", server.token === undefined ? "none, and none is asked for" : "accepted"));
    checks.push(checkState(info), ...checkVersions(info, version), ...checkOpenFiles(info));
    checks.push(...checkCertificates(info, clock));
  } catch (thrown) {
    checks.push(checkRefusal(thrown));
  }
  return checks;
}

function checkRefusal(thrown: unknown): Check {
  if (thrown instanceof Refusal && (thrown.status === 401 || thrown.status === 403))
    return fail(
      "token",
      thrown.code,
      "give the token of the principal's --api-token-file with --token-file, HAWSER_TOKEN or a context",
    );
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return fail("api", reason, "name the API port of a principal (7481 by default), not the agents' port");
}

function checkClock(date: string | undefined, clock: Clock): Check {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs))
    return warn("clock", "the principal does not tell its time", "compare the clocks by hand");
  // It is told in whole seconds, so that it may be any time of that second.
  const aheadMs = clock.wallTime() - theirs;
  const differenceMs = aheadMs < 0 ? -aheadMs : Math.max(0, aheadMs - 1_000);
  const shown =
    differenceMs === 0 ? "less than a second apart" : `about ${(differenceMs / 1000).toFixed(1)}s apart`;
  if (differenceMs <= WARN_CLOCK_MS) return ok("clock", shown);
  return warn("clock", shown, "synchronise the clocks (NTP): expiry times are compared with them");
}

function checkState({ state }: Info): Check {
  if (state === "open") return ok("state", "open: agents are let in");
  return warn("state", state, "wait until it is open, or look into its log: agents are not let in now");
}

/** What its ports show. A port without TLS has none. */
function checkCertificates({ certificates = [] }: Info, clock: Clock): readonly Check[] {
  return certificates.map(({ port, notAfter }) => {
    const name = `certificate ${port}`;
    const problem = expiryProblem(Date.parse(notAfter), clock.wallTime());
    if (problem === undefined) return ok(name, `good until ${notAfter}`);
    return warn(
      name,
      `the one that the ${port === "api" ? "API" : "agents' port"} shows ${problem}`,
      "write the new certificate and its key over the old ones; no restart is needed",
    );
  });
}

/** Nothing to say where the principal does not know its limit. */
function checkOpenFiles({ openFiles }: Info): readonly Check[] {
  if (openFiles === undefined) return [];
  const { limit, needed } = openFiles;
  const shown = `the principal may have ${limit}, and may need ${needed} with as many connections as its settings allow`;
  if (needed <= limit) return [ok("open files", shown)];
  return [
    warn(
      "open files",
      `${shown}: it holds fewer sessions than --max-sessions says`,
      `raise the limit to ${needed} (LimitNOFILE= of systemd, ulimit -n, --ulimit nofile= of a container), or lower --max-sessions and --max-unauthenticated`,
    ),
  ];
}

function checkVersions(info: Info, version: string): readonly Check[] {
  const major = (text: string): string =>
    text
      .split(".")
      .slice(0, text.startsWith("0.") ? 2 : 1)
      .join(".");
  const same = major(info.version) === major(version);
  const common = PROTOCOL_VERSIONS.filter((each) => info.protocolVersions.includes(each));
  return [
    same
      ? ok("version", `principal ${info.version}, hawser ${version}`)
      : warn("version", `principal ${info.version}, hawser ${version}`, "use the same release on both sides"),
    common.length > 0
      ? ok("protocol", `${common.join(", ")} in common`)
      : fail(
          "protocol",
          `it speaks ${info.protocolVersions.join(", ")} only`,
          "update the older side: its agents cannot connect",
        ),
  ];
}
