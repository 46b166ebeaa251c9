export { announceLocalApi, findLocalApi, type Environment, type LocalApi } from "./local-api.js";
