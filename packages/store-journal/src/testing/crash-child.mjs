// Appends and records as fast as it can, and prints each answer, until it is killed. Usage: node crash-child.mjs <directory> <seed> <segment bytes>
import { seededRandom } from "@hawser/runtime";
import { createDiskStore } from "@hawser/store";
import { createJournalDisk } from "@hawser/store-journal";

const [directory = "", seed = "0", segmentBytes = ""] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const store = createDiskStore(createJournalDisk(directory, Number(segmentBytes)));
await store.start();
const holder = { session: "child", transport: "", address: "", internal: true, software: "" };
const on = { event() {}, more() {}, purged: () => 0, lost() {} };
const claim = () => ({ peerStore: "s" });
const lease = await store.open("state", holder, claim, on);
const commands = await store.open("commands", holder, claim, on);

/** Pipes are written synchronously: what is printed has left the process. @param {(string | number)[]} words */
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);

/** @param {string} type @param {{ resourceid: string, subject?: string }} about @returns {import("@hawser/store").Append["event"]} */
function event(type, about) {
  return { specversion: "1.0", id: "1", source: "/child", type, data: "x".repeat(200), ...about };
}

/** @param {import("@hawser/store").Appended} [answer] @returns {number} */
function versionOf(answer) {
  if (answer?.ok) return answer.version;
  throw answer?.error ?? new Error("an append was not answered");
}

async function appendCommands() {
  for (;;) {
    const batch = Array.from({ length: 1 + Math.floor(random.next() * 40) }, () => ({
      peer: "commands",
      event: event("example.command", { resourceid: "x_1" }),
    }));
    for (const answer of await store.append(batch)) say("command", versionOf(answer));
  }
}

async function appendStates() {
  for (;;) {
    const name = `n${Math.floor(random.next() * 30)}`;
    const state = event("hawser.resource.spec.v1", { resourceid: `${name}_1`, subject: `Thing/${name}` });
    const [answer] = await store.append([{ peer: "state", event: state }]);
    const version = versionOf(answer);
    say("state", version, name);
    if (random.next() < 0.7) lease.acknowledge(version);
  }
}

let receivedVersion = 0;
async function record() {
  for (;;) {
    const version = ++receivedVersion;
    const resourceid = `r${version % 50}_1`;
    await commands.begin([{ resourceid, version, attempt: 1 }]);
    await commands.record([{ resourceid, version }]);
    say("recorded", version, resourceid);
  }
}

await Promise.all([appendCommands(), appendCommands(), appendStates(), appendStates(), record(), record()]);
