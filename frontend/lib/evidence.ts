import type { Api } from "@/lib/api"
import { tarOf } from "@/lib/bundle/pack"
import type { Deployment, Transaction } from "@/lib/api"

export const EVIDENCE_FILE = "evidence.json"

/** What somebody says of a run, for jurors to read. */
export interface Claim {
  chainId: number
  escrow: string
  jobId: string
  attempt: number
  provider: string
  title: string
  description: string
}

/** An ERC-1497 document. Whose word it is, the transaction that names it says. */
export function documentOf(claim: Claim): string {
  return JSON.stringify({
    category: "usage",
    name: claim.title,
    title: claim.title,
    description: claim.description,
    fileTypeExtension: "json",
    draas: {
      chain_id: claim.chainId,
      escrow: claim.escrow,
      job: claim.jobId,
      attempt: claim.attempt,
      provider: claim.provider,
    },
  })
}

/** Put a document on IPFS, through the scheduler as `draas` does; its path, as the contract takes it. */
export async function publish(api: Api, consumer: string, document: string): Promise<string> {
  const file = { path: EVIDENCE_FILE, bytes: new TextEncoder().encode(document), executable: false }
  const { cid } = await api.upload(tarOf([file]), consumer, `0x${"00".repeat(32)}`, false)
  return `/ipfs/${cid}/${EVIDENCE_FILE}`
}

/** What a stranger's document says, as far as it can be read; all of it when it is no such document. */
export function readDocument(text: string): { title: string; description: string; rest: string } {
  try {
    const found: unknown = JSON.parse(text)
    if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error("no document")
    const { title, name, description, ...rest } = found as Record<string, unknown>
    const words = (value: unknown) => (typeof value === "string" ? value : "")
    return {
      title: words(title) || words(name),
      description: words(description),
      rest: JSON.stringify(rest, null, 2),
    }
  } catch {
    return { title: "", description: text, rest: "" }
  }
}

/** One dispute of a deployment, from its events. */
export interface Dispute {
  id: string
  attempt: number
  opener: string
  provider: string
  frozen: string
  opened: Transaction
  evidence: { path: string; party: string; told: Transaction }[]
  /** Of 10,000, for the provider; null while it is undecided. */
  share: number | null
  ruled: Transaction | null
}

export function disputesOf({ transactions }: Pick<Deployment, "transactions">): Dispute[] {
  const found = new Map<string, Dispute>()
  for (const one of transactions) {
    const { data } = one
    const id = data["dispute_id"] ?? data["evidence_group_id"] ?? ""
    if (one.event === "JobDisputed") {
      found.set(id, {
        id,
        attempt: Number(data["attempt"]),
        opener: data["opener"] ?? "",
        provider: data["provider"] ?? "",
        frozen: data["frozen"] ?? "0",
        opened: one,
        evidence: [],
        share: null,
        ruled: null,
      })
    }
  }
  for (const one of transactions) {
    const dispute = found.get(one.data["dispute_id"] ?? one.data["evidence_group_id"] ?? "")
    if (!dispute) continue
    if (one.event === "Evidence") {
      dispute.evidence.push({ path: one.data["evidence"] ?? "", party: one.data["party"] ?? "", told: one })
    }
    if (one.event === "DisputeRuled") {
      dispute.share = Number(one.data["share"])
      dispute.ruled = one
    }
  }
  return [...found.values()]
}

/** Documents of strangers, made ready to be read. Nothing in them is trusted, followed or run. */

const MOST_LETTERS = 200_000

export interface Shown {
  title: string
  description: string
  text: string
  /** Whether the text is only its beginning. */
  isCut: boolean
}

/** A document as text; null when it is none. One that is JSON is laid out, with its title and description apart. */
export function shownOf(bytes: Uint8Array): Shown | null {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return null
  }
  const told = jsonOf(text)
  const field = (name: string) => (typeof told?.[name] === "string" ? visible(told[name] as string) : "")
  const whole = visible(told ? JSON.stringify(told, null, 2) : text)
  return {
    title: field("title") || field("name"),
    description: field("description"),
    text: whole.slice(0, MOST_LETTERS),
    isCut: whole.length > MOST_LETTERS,
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

/** Letters that cannot be seen, or that turn those around them, are shown as what they are: marks. */
export function visible(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
    "\ufffd",
  )
}

/** `/ipfs/CID/NAME` or `CID` → the CID and the path in it; null when it names nothing. */
export function placeOf(path: string): { cid: string; inner: string } | null {
  const match = /^(?:\/ipfs\/)?([A-Za-z0-9]{20,120})(?:\/(.{1,500}))?$/s.exec(path)
  return match ? { cid: match[1] ?? "", inner: match[2] ?? "" } : null
}
