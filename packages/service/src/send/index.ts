export { eventOf, eventOptions, parseEvents, type EventOptions, type EventText } from "./event-options.js";
