export { AgentLink, type AgentLinkOptions } from "./agent-link.js";
export type { Delivery, Outcome } from "./delivery.js";
export { createDeliveryStream, type DeliveryStream, type LoopedDelivery } from "./delivery-stream.js";
export type { ReplySink } from "./event-answers.js";
export type { DeleteAhead } from "./held-back-resources.js";
export type { LinkObserver, SkipReason } from "./link-observer.js";
export type { LinkOptions, LinkPeer } from "./link-options.js";
export { OutgoingTurns, type OutgoingShare } from "./outgoing-turns.js";
export {
  PrincipalLink,
  type Admission,
  type Admitted,
  type PrincipalLinkOptions,
  type Refusal,
} from "./principal-link.js";
export {
  acceptedOf,
  publishTo,
  type Accepted,
  type HandleTrace,
  type PublishObserver,
  type PublishOptions,
  type PublishToOptions,
  type PublishTrace,
} from "./publish.js";
export { DEFAULT_READ_AHEAD_BYTES, ReadAhead } from "./read-ahead.js";
export { Receiver } from "./receiver.js";
export type { ReceiverLease, ReceiverOptions, ReceiverSession } from "./receiver-options.js";
export { knownStore } from "./rollback-check.js";
export type { HeldBackTurn, SenderTurn } from "./sender-turn.js";
export { SessionDriver, type SessionDriverOptions, type SessionOwner } from "./session-driver.js";
