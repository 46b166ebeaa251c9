export { decodeText, MAX_BODY_BYTES, parseJson } from "./body-text.js";
export { RETRY_AFTER_SECONDS, STATUS_BY_CODE } from "./error-status.js";
export { BATCH, decodeHttpBatch, isBatch, MAX_BATCH_BYTES, MAX_BATCH_EVENTS } from "./http-batch.js";
export { HttpError, type HttpErrorOptions } from "./http-error.js";
export { decodeHttpEvent } from "./http-event.js";
export { isJson, isUtf8, parseMediaType, type MediaType } from "./media-type.js";
export { problemOf, problemResponse, type Problem, type ProblemContext } from "./problem.js";
export { STRUCTURED, type FurtherReader } from "./structured-event.js";
