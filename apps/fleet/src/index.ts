export { DEMO_AGENTS, Fleet, type FleetAddresses, type FleetOptions } from "./fleet.js";
export { Service, type ServiceLog, type ServiceOptions } from "./service.js";
