import { describe, expect, it } from "vitest"

import { newestOfEach, readOn, type EvidenceEvent } from "@/lib/evidence-log"

const told = (block: number, party: `0x${string}` = "0xa"): EvidenceEvent => {
  return { party, path: `/ipfs/${block}`, block: BigInt(block), tx: "0x", index: 0 }
}

/** A chain with evidence in these blocks, and what it was asked for. */
function chain(...events: EvidenceEvent[]) {
  const asked: string[] = []
  const logs = (from: bigint, to: bigint) => {
    asked.push(`${from}-${to}`)
    return Promise.resolve(events.filter(({ block }) => block >= from && block <= to))
  }
  return { asked, logs }
}

describe("the evidence of a dispute", () => {
  it("is read from its first block to the last, so many at a time", async () => {
    const { asked, logs } = chain(told(99), told(100), told(7000))
    const found = await readOn(undefined, 100n, 12_000n, logs)
    expect(found.events.map((one) => one.path)).toEqual(["/ipfs/100", "/ipfs/7000"])
    expect(asked).toEqual(["100-5099", "5100-10099", "10100-12000"])
  })

  it("is read on from where it was read to", async () => {
    const first = await readOn(undefined, 100n, 12_000n, chain(told(100), told(11_990)).logs)
    const { asked, logs } = chain(told(100), told(11_990), told(12_003))
    const found = await readOn(first, 100n, 12_003n, logs)
    expect(found.events.map((one) => one.path)).toEqual(["/ipfs/100", "/ipfs/11990", "/ipfs/12003"])
    expect(asked).toEqual(["11937-12003"])
  })

  it("that a reorganisation took back is gone", async () => {
    const first = await readOn(undefined, 100n, 200n, chain(told(100), told(199)).logs)
    const found = await readOn(first, 100n, 201n, chain(told(100), told(201)).logs)
    expect(found.events.map((one) => one.path)).toEqual(["/ipfs/100", "/ipfs/201"])
  })

  it("of a party is not hidden by how much another brings", () => {
    const flood = Array.from({ length: 500 }, (_, n) => told(n + 2, "0xb"))
    const shown = newestOfEach([told(1), ...flood, told(600)], 3)
    expect(shown.map((one) => one.path)).toEqual(["/ipfs/1", "/ipfs/499", "/ipfs/500", "/ipfs/501", "/ipfs/600"])
  })
})
