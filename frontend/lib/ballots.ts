import { commitmentOf, readBallot, type Ballot } from "@/lib/court"

/**
 * Votes between commit and reveal, kept in this browser for comfort: the file is what counts. A salt is a secret until
 * the reveal and of no use to anybody afterwards; it opens nothing of the wallet's.
 */
const DATABASE = "draas-ballots"
const STORE = "ballots"

export async function keepBallot(ballot: Ballot): Promise<void> {
  await ask((store) => store.put(JSON.stringify(ballot), commitmentOf(ballot)))
}

export async function findBallot(commitment: string): Promise<Ballot | null> {
  const found = await ask((store) => store.get(commitment) as IDBRequest<string | undefined>)
  return found ? readBallot(found) : null
}

export async function dropBallot(ballot: Ballot): Promise<void> {
  await ask((store) => store.delete(commitmentOf(ballot)))
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
