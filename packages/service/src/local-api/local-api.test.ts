import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { announceLocalApi, findLocalApi } from "./local-api.js";

let home: string;
let env: { readonly XDG_STATE_HOME: string };
const here = { pid: process.pid, tokenFile: "/data/api-token" };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hawser-local-api-"));
  env = { XDG_STATE_HOME: home };
  return () => rmSync(home, { recursive: true, force: true });
});

/** The id of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

it("tells programs of this user alone, by port, until it is taken back", () => {
  const withdraw = announceLocalApi(7481, here, env);
  expect(findLocalApi(7481, env)).toEqual(here);
  expect(findLocalApi(7482, env)).toBeUndefined();
  expect(statSync(join(home, "hawser", "local", "7481")).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, "hawser", "local")).mode & 0o777).toBe(0o700);
  withdraw();
  expect(findLocalApi(7481, env)).toBeUndefined();
});

it("believes no note of a process that has died, and takes it away at the next one", () => {
  announceLocalApi(1, { ...here, pid: deadPid() }, env);
  expect(findLocalApi(1, env)).toBeUndefined();
  announceLocalApi(2, here, env);
  expect(readdirSync(join(home, "hawser", "local"))).toEqual(["2"]);
});

it("takes back its own note only", () => {
  const withdraw = announceLocalApi(1, { ...here, pid: deadPid() }, env);
  announceLocalApi(1, here, env);
  withdraw();
  expect(findLocalApi(1, env)).toEqual(here);
});

it.each(["", "{}", '{"pid":1,"tokenFile":"relative"}', '{"pid":-1,"tokenFile":"/a"}'])(
  "does not believe %j",
  (content) => {
    announceLocalApi(1, here, env);
    writeFileSync(join(home, "hawser", "local", "1"), content);
    expect(findLocalApi(1, env)).toBeUndefined();
  },
);

it("says so where it cannot write", () => {
  const file = join(home, "file");
  writeFileSync(file, "");
  expect(() => announceLocalApi(1, here, { XDG_STATE_HOME: file })).toThrow(
    expect.objectContaining({ code: "address_unavailable" }),
  );
  expect(existsSync(join(home, "hawser"))).toBe(false);
});
