import { commitmentOf, readBallot, type Ballot } from "@/lib/court"
import { askStore } from "@/lib/storage"

/**
 * Votes between commit and reveal, kept in this browser for comfort: the file is what counts. A salt is a secret until
 * the reveal and of no use to anybody afterwards; it opens nothing of the wallet's.
 */
const DATABASE = "draas-ballots"
const STORE = "ballots"

export async function keepBallot(ballot: Ballot): Promise<void> {
  await askStore(DATABASE, STORE, (store) => store.put(JSON.stringify(ballot), commitmentOf(ballot)))
}

export async function findBallot(commitment: string): Promise<Ballot | null> {
  const found = await askStore(DATABASE, STORE, (store) => store.get(commitment) as IDBRequest<string | undefined>)
  return found ? readBallot(found) : null
}

export async function dropBallot(ballot: Ballot): Promise<void> {
  await askStore(DATABASE, STORE, (store) => store.delete(commitmentOf(ballot)))
}
