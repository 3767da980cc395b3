/** Alone, so that a page does not load it before somebody sends. */
export { writeContract } from "wagmi/actions"
