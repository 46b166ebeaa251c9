export {
  announceLocalApi,
  findLocalApi,
  type Environment,
  type LocalApi,
  type LocalApiSearch,
} from "./local-api.js";
