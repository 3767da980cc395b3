import type { BundleFile } from "@/lib/bundle/files"

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
  return (await ask((store) => store.get(KEY) as IDBRequest<Draft | undefined>)) ?? null
}

export async function saveDraft(draft: Draft): Promise<void> {
  await ask((store) => store.put(draft, KEY))
}

export async function dropDraft(): Promise<void> {
  await ask((store) => store.delete(KEY))
}

function ask<T>(what: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
    opening.onerror = () => reject(opening.error ?? new Error("no storage"))
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(STORE, "readwrite")
      const request = what(transaction.objectStore(STORE))
      transaction.oncomplete = () => {
        opening.result.close()
        resolve(request.result)
      }
      transaction.onerror = () => reject(transaction.error ?? new Error("no storage"))
    }
  })
}
