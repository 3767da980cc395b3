import type { Hash } from "viem"

/** A transaction whose block this tab waits for, kept over a reload: what is sent is sent, whatever a page knows of it. */
export interface Sent {
  hash: Hash
  /** The function that it calls. */
  call: string
}

const KEY = "sent"

/** Those that were not seen in a block yet. */
export function sentBefore(): Sent[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as Sent[]
  } catch {
    return [] // a browser that keeps nothing
  }
}

export function remember(sent: Sent): void {
  keep([...others(sent.hash), sent])
}

/** What became of it is known, or nobody asks any more. */
export function forget(hash: Hash): void {
  keep(others(hash))
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
