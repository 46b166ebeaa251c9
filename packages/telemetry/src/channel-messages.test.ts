import type { HandleTrace as AgentHandle, PublishTrace as AgentPublish } from "@hawser/agent";
import type {
  DrainTrace,
  HandleTrace as PrincipalHandle,
  PublishTrace as PrincipalPublish,
  ResourceTrace,
} from "@hawser/principal";
import { expectTypeOf, it } from "vitest";
import type { DrainMessage, HandleMessage, PublishMessage, ResourceMessage } from "./channel-messages.js";

it("reads of the messages what is there", () => {
  expectTypeOf<AgentPublish>().toExtend<PublishMessage>();
  expectTypeOf<PrincipalPublish>().toExtend<PublishMessage>();
  expectTypeOf<ResourceTrace>().toExtend<ResourceMessage>();
  expectTypeOf<AgentHandle>().toExtend<HandleMessage>();
  expectTypeOf<PrincipalHandle>().toExtend<HandleMessage>();
  expectTypeOf<DrainTrace>().toExtend<DrainMessage>();
});
