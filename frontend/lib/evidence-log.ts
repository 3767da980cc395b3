import type { Address, Hex } from "viem"

/** A document that was named in a dispute, by whom, and where the chain says so. */
export interface EvidenceEvent {
  party: Address
  path: string
  block: bigint
  tx: Hex
  index: number
}

/** What was read of a dispute's evidence so far, in order. */
export interface EvidenceLog {
  events: EvidenceEvent[]
  /** The last block that was read. */
  read: bigint
}

const SPAN = 5000n // blocks that a node is asked for at once
const UNSURE = 64n // newest blocks that a reorganisation may still replace: they are read again

/** Go on reading from where the last time ended, up to and with a block. */
export async function readOn(
  known: EvidenceLog | undefined,
  first: bigint,
  last: bigint,
  logs: (from: bigint, to: bigint) => Promise<EvidenceEvent[]>,
): Promise<EvidenceLog> {
  const sure = known ? known.read - UNSURE : first - 1n
  const start = sure < first ? first : sure + 1n
  const events = (known?.events ?? []).filter((one) => one.block < start)
  for (let from = start; from <= last; from += SPAN) {
    const to = from + SPAN - 1n < last ? from + SPAN - 1n : last
    events.push(...(await logs(from, to)))
  }
  return { events, read: last }
}

/** The newest few of each party, in order: whoever brings a thousand documents hides nobody else's. */
export function newestOfEach(events: EvidenceEvent[], most: number): EvidenceEvent[] {
  const counts = new Map<Address, number>()
  return events
    .toReversed()
    .filter(({ party }) => {
      const count = (counts.get(party) ?? 0) + 1
      counts.set(party, count)
      return count <= most
    })
    .reverse()
}
