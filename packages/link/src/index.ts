export { OutgoingTurns, type OutgoingShare } from "./outgoing-turns.js";
export { DEFAULT_READ_AHEAD_BYTES, ReadAhead } from "./read-ahead.js";
export { createDeliveryStream, type DeliveryStream, type LoopedDelivery } from "./delivery-stream.js";
export type { LinkObserver, SkipReason } from "./link-observer.js";
export type { LinkSession } from "./link-session.js";
export type { Admission, LinkDoor, LinkOptions, LinkPeer } from "./link-options.js";
export { Link } from "./link.js";
export { knownStore } from "./older-copy.js";
export {
  Receiver,
  type Delivery,
  type Outcome,
  type ReceiverOptions,
  type ReplySink,
} from "./receiver.js";
export type { DeleteAhead } from "./held-back-resources.js";
export type { HeldBackTurn, SenderTurn } from "./sender.js";
