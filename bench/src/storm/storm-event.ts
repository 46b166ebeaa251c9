import type { EventDraft } from "@hawser/protocol";
import type { FleetEvent } from "../fleet/fleet-commands.js";

/** Of one agent: few enough that resources repeat, as they do. */
const RESOURCES = 16;

/** The same event for everybody. */
export function stormEvent({ n, at }: FleetEvent): EventDraft {
  return {
    specversion: "1.0",
    id: `storm-${n}`,
    source: "/storm",
    type: "com.example.storm",
    datacontenttype: "application/json",
    resourceid: `job-${n % RESOURCES}_s`,
    data: { n, at },
  };
}
