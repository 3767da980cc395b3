import { describe, expect, it } from "vitest"

import {
  ballotName,
  commitmentOf,
  endOf,
  parseShare,
  percent,
  phaseAt,
  readBallot,
  shareOf,
  type Ballot,
  type Case,
} from "@/lib/court"

import { vectors } from "../vectors"

const { commitment, ...told } = vectors.ballot
const BALLOT = told as Ballot

function standing(stored: Case["stored"], committed: number): Pick<Case, "stored" | "round" | "appealEndsAt"> {
  const counts = { drawn: 3, committed, revealed: 0, ruling: 0, redraw: false, closed: false }
  return { stored, appealEndsAt: 400, round: { ...counts, commitEndsAt: 100, revealEndsAt: 200 } }
}

describe("a case", () => {
  it.each([
    ["Committing", 1, 99, "Committing", 100],
    ["Committing", 1, 100, "Revealing", 200],
    ["Committing", 0, 100, "Tallying", 0],
    ["Committing", 1, 200, "Tallying", 0],
    ["Appealable", 1, 399, "Appealable", 400],
    ["Appealable", 1, 400, "Ruled", 0],
    ["Drawing", 0, 900, "Drawing", 0],
    ["Executed", 1, 900, "Executed", 0],
  ] as const)("stored as %s with %i votes is, at %i, %s until %i", (stored, committed, now, phase, end) => {
    const one = standing(stored, committed)
    expect(phaseAt(one, now)).toBe(phase)
    expect(endOf(one, phase)).toBe(end)
  })

  it("that was refused gives nobody a share", () => {
    expect(shareOf(0)).toBeNull()
    expect(shareOf(1)).toBe(0)
    expect(shareOf(10_001)).toBe(10_000)
  })
})

describe("a vote", () => {
  it("is bound to all that it says", () => {
    const others: Ballot[] = [
      { ...BALLOT, chain: 1 },
      { ...BALLOT, court: BALLOT.juror },
      { ...BALLOT, dispute: 4 },
      { ...BALLOT, round: 2 },
      { ...BALLOT, juror: BALLOT.court },
      { ...BALLOT, share: 7501 },
      { ...BALLOT, salt: "0e".repeat(32) },
    ]
    expect(new Set([BALLOT, ...others].map(commitmentOf)).size).toBe(8)
  })

  it("has the seal that chain.court computes", () => {
    expect(commitmentOf(BALLOT)).toBe(commitment)
  })

  it("comes back from its file as it was", () => {
    expect(readBallot(JSON.stringify(BALLOT))).toEqual(BALLOT)
    expect(ballotName(BALLOT)).toBe(`3-1-${BALLOT.juror}-${commitmentOf(BALLOT).slice(2, 18)}.json`)
  })

  it.each([
    "",
    "[]",
    "null",
    JSON.stringify({ ...BALLOT, share: 10_001 }),
    JSON.stringify({ ...BALLOT, salt: "xyz" }),
    JSON.stringify({ ...BALLOT, court: "0x1" }),
  ])("is not read from %j", (text) => {
    expect(readBallot(text)).toBeNull()
  })
})

describe("a share", () => {
  it("is typed in percent", () => {
    expect(["0", "100", "33.33", "0.01"].map(parseShare)).toEqual([0, 10_000, 3333, 1])
    expect(["", "101", "-1", "1.234", "1e2", "a"].map(parseShare)).toEqual([null, null, null, null, null, null])
    expect(percent(3333)).toBe("33.33 %")
  })
})
