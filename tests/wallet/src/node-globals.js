export { Buffer } from "buffer"
export const process = { env: {}, nextTick: (work, ...given) => queueMicrotask(() => work(...given)), version: "", browser: true }
