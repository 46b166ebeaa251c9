export { announceLocalApi, findLocalApi, type LocalApi } from "./local-api.js";
