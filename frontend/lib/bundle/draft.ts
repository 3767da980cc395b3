import type { Folder } from "@/lib/bundle/files"
import { askStore } from "@/lib/storage"

/** What somebody is about to post, kept over a reload: in IndexedDB, since it may be large. No key and no token is in it. */
export type Draft = Folder & Words

/** What of it changes while somebody types; its files, which do not, are kept apart. */
export interface Words {
  name: string
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
const FILES = "files"
const WORDS = "words"

export async function loadDraft(): Promise<Draft | null> {
  const kept = <T>(key: string) => askStore(DATABASE, STORE, (store) => store.get(key) as IDBRequest<T | undefined>)
  const folder = await kept<Folder & { salt: string }>(FILES)
  const words = await kept<Words>(WORDS)
  if (!folder || words?.salt !== folder.salt) return null // another window has begun another
  return { ...folder, ...words }
}

export async function saveDraft({ files, leftOut, ...words }: Draft): Promise<void> {
  await askStore(DATABASE, STORE, (store) => {
    store.put({ files, leftOut, salt: words.salt }, FILES)
    return store.put(words satisfies Words, WORDS)
  })
}

/** The rest of it is as it was saved. */
export async function saveWords({ name, manifest, salt, sent }: Words): Promise<void> {
  const words: Words = { name, manifest, salt, ...(sent && { sent }) }
  await askStore(DATABASE, STORE, (store) => store.put(words, WORDS))
}

export async function dropDraft(): Promise<void> {
  await askStore(DATABASE, STORE, (store) => store.clear())
}
