import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { announceLocalApi, findLocalApi, type LocalApiSearch } from "./local-api.js";

let home: string;
let env: { readonly XDG_STATE_HOME: string };
const here = { host: "127.0.0.1", port: 7481, pid: process.pid, tokenFile: "/data/api-token" };
const uid = process.getuid?.() ?? 0;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hawser-local-api-"));
  env = { XDG_STATE_HOME: home };
  return () => rmSync(home, { recursive: true, force: true });
});

/** The id of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

/** @param users who listen there */
function find(host: string, port = 7481, users: readonly number[] | undefined = [uid]): LocalApiSearch {
  return findLocalApi({ host, port }, env, () => users);
}

function write(name: string, note: object | string): void {
  writeFileSync(join(home, "hawser", "local", name), typeof note === "string" ? note : JSON.stringify(note));
}

it("tells programs of this user alone, by address, until it is taken back", () => {
  const withdraw = announceLocalApi(here, env);
  expect(find("127.0.0.1")).toEqual({ kind: "found", api: here });
  expect(find("localhost")).toEqual({ kind: "found", api: here });
  expect(find("127.0.0.1", 7482)).toEqual({ kind: "none" });
  expect(statSync(join(home, "hawser", "local", "127.0.0.1_7481")).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, "hawser", "local")).mode & 0o777).toBe(0o700);
  withdraw();
  expect(find("127.0.0.1")).toEqual({ kind: "none" });
});

it("stands for the addresses that reach what was bound, and for no other one with its port", () => {
  const bound = (host: string): void => void announceLocalApi({ ...here, host }, env);
  bound("10.0.0.5");
  for (const host of ["127.0.0.1", "::1", "localhost"]) expect(find(host)).toEqual({ kind: "none" });
  bound("::1");
  expect([find("::1").kind, find("localhost").kind, find("127.0.0.1").kind]).toEqual([
    "found",
    "found",
    "none",
  ]);
  bound("0.0.0.0");
  expect([find("127.0.0.1").kind, find("127.0.0.2").kind]).toEqual(["found", "found"]);
});

it("is not enough where another user listens there, and nothing where nobody does", () => {
  announceLocalApi(here, env);
  expect(find("127.0.0.1", 7481, [uid, 4711])).toEqual({ kind: "foreign", uid: 4711 });
  expect(find("127.0.0.1", 7481, [])).toEqual({ kind: "none" });
  expect(find("127.0.0.1", 7481, [0]).kind).toBe("found");
  expect(findLocalApi({ host: "127.0.0.1", port: 7481 }, env, () => undefined).kind).toBe("found");
});

it("asks about every address that a name may lead to", () => {
  announceLocalApi(here, env);
  const asked: string[] = [];
  findLocalApi({ host: "localhost", port: 7481 }, env, (hosts) => void asked.push(...hosts));
  expect(asked).toEqual(["127.0.0.1", "::1", "0.0.0.0", "::"]);
});

it("believes no note of a process that has died, and takes it away at the next one", () => {
  announceLocalApi({ ...here, port: 1, pid: deadPid() }, env);
  expect(find("127.0.0.1", 1)).toEqual({ kind: "none" });
  announceLocalApi({ ...here, port: 2 }, env);
  expect(readdirSync(join(home, "hawser", "local"))).toEqual(["127.0.0.1_2"]);
});

it("believes no note of a process whose id is another one's by now", () => {
  announceLocalApi(here, env);
  write("127.0.0.1_7481", { ...here, start: "1" });
  expect(find("127.0.0.1")).toEqual({ kind: "none" });
});

it("takes back its own note only", () => {
  const withdraw = announceLocalApi({ ...here, pid: deadPid() }, env);
  announceLocalApi(here, env);
  withdraw();
  expect(find("127.0.0.1")).toEqual({ kind: "found", api: here });
});

it.each([
  "",
  "{}",
  '{"host":"127.0.0.1","port":7481,"pid":1,"tokenFile":"relative"}',
  { ...here, pid: -1 },
  { ...here, host: "10.0.0.5" },
  { ...here, port: 7482 },
  { pid: process.pid, tokenFile: "/a" },
])("does not believe %j", (content) => {
  announceLocalApi(here, env);
  write("127.0.0.1_7481", content);
  expect(find("127.0.0.1")).toEqual({ kind: "none" });
});

it("says so where it cannot write", () => {
  const file = join(home, "file");
  writeFileSync(file, "");
  expect(() => announceLocalApi(here, { XDG_STATE_HOME: file })).toThrow(
    expect.objectContaining({ code: "address_unavailable" }),
  );
  expect(existsSync(join(home, "hawser"))).toBe(false);
});
