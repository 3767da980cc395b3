import type { BundleFile } from "@/lib/bundle/files"
import { askStore } from "@/lib/storage"

/** What somebody is about to post, kept over a reload: in IndexedDB, since it may be large. No key and no token is in it. */
export interface Draft {
  name: string
  files: BundleFile[]
  leftOut: number
  manifest: string
  salt: string
  /** What was sent of it, whose block is waited for. */
  sent?: Sent
}

/** A job's id, and the transaction that posts it. */
export interface Sent {
  jobId: string
  hash: string
}

const DATABASE = "draas"
const STORE = "drafts"
const KEY = "post"

export async function loadDraft(): Promise<Draft | null> {
  return (await askStore(DATABASE, STORE, (store) => store.get(KEY) as IDBRequest<Draft | undefined>)) ?? null
}

export async function saveDraft(draft: Draft): Promise<void> {
  await askStore(DATABASE, STORE, (store) => store.put(draft, KEY))
}

export async function dropDraft(): Promise<void> {
  await askStore(DATABASE, STORE, (store) => store.delete(KEY))
}
