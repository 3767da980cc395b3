import type { Api } from "@/lib/api"
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

/** Put a document on IPFS; its path, as the contract takes it. */
export async function publish(api: Api, consumer: string, document: string): Promise<string> {
  const file = { path: EVIDENCE_FILE, bytes: new TextEncoder().encode(document), executable: false }
  const { uploadFolder } = await import("@/lib/bundle/upload") // of use to nobody who only reads
  const { cid } = await uploadFolder(api, [file], consumer, `0x${"00".repeat(32)}`, false)
  return `/ipfs/${cid}/${EVIDENCE_FILE}`
}

/** One dispute of a deployment, from its events. */
export interface Dispute {
  id: string
  attempt: number
  opener: string
  provider: string
  frozen: string
  opened: Transaction
  /** Of 10,000, for the provider; null while it is undecided. */
  share: number | null
  ruled: Transaction | null
}

export function disputesOf({ transactions }: Pick<Deployment, "transactions">): Dispute[] {
  const found = new Map<string, Dispute>()
  for (const one of transactions) {
    const { data } = one
    const id = data["dispute_id"] ?? ""
    if (one.event === "JobDisputed") {
      found.set(id, {
        id,
        attempt: Number(data["attempt"]),
        opener: data["opener"] ?? "",
        provider: data["provider"] ?? "",
        frozen: data["frozen"] ?? "0",
        opened: one,
        share: null,
        ruled: null,
      })
    }
    const dispute = found.get(id)
    if (!dispute || one.event !== "DisputeRuled") continue
    dispute.share = Number(data["share"])
    dispute.ruled = one
  }
  return [...found.values()]
}
