// Appends and records as fast as it can, and prints each answer, until it is killed. Usage: node crash-child.mjs <directory> <seed> <segment bytes>
import { seededRandom } from "@hawser/runtime";
import { createDiskStore } from "@hawser/store";
import { createJournalDisk } from "@hawser/store-journal";

const [directory = "", seed = "0", segmentBytes = ""] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const store = createDiskStore(createJournalDisk(directory, Number(segmentBytes)));
await store.start();
const lease = await store.open("state", "child", { peerStore: "s" }, { event: () => {}, lost: () => {} });

/** Pipes are written synchronously: what is printed has left the process. */
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);

function event(type, about) {
  return { specversion: "1.0", id: "1", source: "/child", type, data: "x".repeat(200), ...about };
}

async function appendCommands() {
  for (;;) {
    const batch = Array.from({ length: 1 + Math.floor(random.next() * 40) }, () => ({
      peer: "commands",
      event: event("example.command", { resourceid: "x_1" }),
    }));
    for (const answer of await store.append(batch)) say("command", answer.version);
  }
}

async function appendStates() {
  for (;;) {
    const name = `n${Math.floor(random.next() * 30)}`;
    const state = event("hawser.resource.spec.v1", { resourceid: `${name}_1`, subject: `Thing/${name}` });
    const [answer] = await store.append([{ peer: "state", event: state }]);
    say("state", answer.version, name);
    if (random.next() < 0.7) lease.acknowledge(answer.version);
  }
}

let receivedVersion = 0;
async function record() {
  for (;;) {
    const version = ++receivedVersion;
    const resourceid = `r${version % 50}_1`;
    await store.inbox.begin("commands", [{ resourceid, version, attempt: 1 }]);
    await store.inbox.record("commands", [{ resourceid, version }]);
    say("recorded", version, resourceid);
  }
}

await Promise.all([appendCommands(), appendCommands(), appendStates(), appendStates(), record(), record()]);
