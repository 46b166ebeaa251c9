import { tracingChannel } from "node:diagnostics_channel";
import type { HandleTrace, PublishTrace } from "@hawser/link";

export const publishing = tracingChannel<unknown, PublishTrace>("hawser.agent.publish");
export const reporting = tracingChannel<unknown, PublishTrace>("hawser.agent.report");
export const handling = tracingChannel<unknown, HandleTrace>("hawser.agent.handle");
