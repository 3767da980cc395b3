import type { Hash } from "viem"

/** A transaction whose block this tab waits for, kept over a reload: what is sent is sent, whatever a page knows of it. */
export interface Sent {
  hash: Hash
  /** The function that it calls. */
  call: string
}

const KEY = "sent"

/** Those that something on the page tells of. */
const shown = new Set<Hash>()
const listeners = new Set<() => void>()

/** Those that were not seen in a block yet. */
export function sentBefore(): Sent[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as Sent[]
  } catch {
    return [] // a browser that keeps nothing
  }
}

/** Those of them that nothing on the page tells of, since it was loaded anew or shows something else by now. */
export function untold(): Sent[] {
  return sentBefore().filter((one) => !shown.has(one.hash))
}

/** Whoever sends it tells of it. */
export function remember(sent: Sent): void {
  shown.add(sent.hash)
  keep([...others(sent.hash), sent])
}

/** What became of it is known, or nobody asks any more. */
export function forget(hash: Hash): void {
  shown.delete(hash)
  keep(others(hash))
}

/** Nothing tells of it any more. */
export function leave(hash: Hash): void {
  shown.delete(hash)
  for (const listener of listeners) listener()
}

/** Hear when one is left. */
export function onLeft(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function others(hash: Hash): Sent[] {
  return sentBefore().filter((one) => one.hash !== hash)
}

function keep(all: Sent[]): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(all))
  } catch {
    return // then a reload forgets it
  }
}
