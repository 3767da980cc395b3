import { visible } from "@/lib/printable"

/** Documents of strangers, made ready to be read. Nothing in them is trusted, followed or run. */

const MOST_LETTERS = 200_000
const MOST_BYTES = 4 * MOST_LETTERS

export interface Shown {
  title: string
  description: string
  text: string
  /** Whether the text is only its beginning. */
  isCut: boolean
}

/**
 * A document as text, or its beginning; null when it is none. One that is JSON is laid out, with its title and
 * description apart.
 */
export function shownOf(bytes: Uint8Array): Shown | null {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, MOST_BYTES), { stream: true })
  } catch {
    return null
  }
  const told = jsonOf(text)
  const field = (name: string) => (typeof told?.[name] === "string" ? visible(told[name] as string) : "")
  const whole = visible((told && laidOut(told)) ?? text)
  return {
    title: field("title") || field("name"),
    description: field("description"),
    text: whole.slice(0, MOST_LETTERS),
    isCut: whole.length > MOST_LETTERS || bytes.length > MOST_BYTES,
  }
}

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === "object" && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** Null when it is nested deeper than can be laid out. */
function laidOut(told: Record<string, unknown>): string | null {
  try {
    return JSON.stringify(told, null, 2)
  } catch {
    return null
  }
}

/** `/ipfs/CID/NAME` or `CID` → the CID and the path in it; null when it names nothing. */
export function placeOf(path: string): { cid: string; inner: string } | null {
  const match = /^(?:\/ipfs\/)?([A-Za-z0-9]{20,120})(?:\/(.{1,500}))?$/s.exec(path)
  return match ? { cid: match[1] ?? "", inner: match[2] ?? "" } : null
}

/** Whether a text is written as a CID is: version 0, or 1 in base 32 with a hash of 32 bytes at least. */
export function isCid(text: string): boolean {
  return /^(Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{58,110})$/.test(text)
}
