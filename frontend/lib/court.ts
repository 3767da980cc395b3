import { encodeAbiParameters, getAddress, isAddress, keccak256, type Address, type Hex } from "viem"

import { courtPhases } from "@/generated/contracts"

/** The court as its contract has it. Shares are basis points for the provider; times are Unix seconds. */

export type Phase = (typeof courtPhases)[number]
export const WHOLE = 10_000

/** One panel's work. */
export interface Round {
  drawn: number
  committed: number
  revealed: number
  ruling: number
  redraw: boolean
  closed: boolean
  commitEndsAt: number
  revealEndsAt: number
}

export interface Seat {
  juror: Address
  revealed: boolean
  share: number
}

/** A case: the stored facts, and the panel of its current round. */
export interface Case {
  id: number
  arbitrable: Address
  /** Of the current round, from 1. */
  number: number
  stored: Phase
  ruling: number
  appealEndsAt: number
  round: Round
  seats: Seat[]
  /** What the asking juror has committed to in this round; null without a seat. */
  mine: { commitment: Hex; revealed: boolean; share: number } | null
  /** Whether the asking juror has sat in any round. */
  wasSeated: boolean
}

/** Where a case stands at a moment; as the contract's `phaseOf`. */
export function phaseAt(one: Pick<Case, "stored" | "round" | "appealEndsAt">, now: number): Phase {
  if (one.stored === "Committing") {
    if (now < one.round.commitEndsAt) return "Committing"
    return one.round.committed === 0 || now >= one.round.revealEndsAt ? "Tallying" : "Revealing"
  }
  return one.stored === "Appealable" && now >= one.appealEndsAt ? "Ruled" : one.stored
}

/** The second at which time alone ends a phase; 0 when it waits for a call. */
export function endOf(one: Pick<Case, "round" | "appealEndsAt">, phase: Phase): number {
  if (phase === "Committing") return one.round.commitEndsAt
  if (phase === "Revealing") return one.round.revealEndsAt
  return phase === "Appealable" ? one.appealEndsAt : 0
}

/** The share that a ruling gives to the provider; null when the court refused to rule. */
export function shareOf(ruling: number): number | null {
  return ruling === 0 ? null : ruling - 1
}

export function percent(share: number): string {
  return `${String(Number((share / 100).toFixed(2)))} %`
}

/** A share as typed, in percent; null when it is none. */
export function parseShare(text: string): number | null {
  if (!/^\d{1,3}(\.\d{0,2})?$/.test(text.trim())) return null
  const share = Math.round(Number(text) * 100)
  return share <= WHOLE ? share : null
}

/** One vote: all that its commitment is bound to. The file is the one that `scripts/juror_reveal.py` reads. */
export interface Ballot {
  chain: number
  court: Address
  dispute: number
  round: number
  juror: Address
  share: number
  /** 32 bytes in hexadecimal, without 0x. */
  salt: string
}

const [NUMBER, PLACE] = [{ type: "uint256" }, { type: "address" }] as const
const SEALED = [NUMBER, PLACE, NUMBER, NUMBER, PLACE, NUMBER, { type: "bytes32" }] as const

/** As the court's `commitmentOf`, computed here, since a node would have to be told the salt. */
export function commitmentOf(ballot: Ballot): Hex {
  const { chain, court, dispute, round, juror, share, salt } = ballot
  return keccak256(
    encodeAbiParameters(SEALED, [
      BigInt(chain),
      court,
      BigInt(dispute),
      BigInt(round),
      juror,
      BigInt(share),
      `0x${salt}`,
    ]),
  )
}

export function ballotName(ballot: Ballot): string {
  return `${ballot.dispute}-${ballot.round}-${ballot.juror}-${commitmentOf(ballot).slice(2, 18)}.json`
}

/** A vote read from its file; null when that is none. */
export function readBallot(text: string): Ballot | null {
  try {
    const found = JSON.parse(text) as Record<string, unknown>
    const whole = (name: string, most: number) => {
      const value = found[name]
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most ? value : null
    }
    const [chain, dispute, round] = [whole("chain", 2 ** 52), whole("dispute", 2 ** 52), whole("round", 255)]
    const share = whole("share", WHOLE)
    const { court, juror, salt } = found
    if (chain === null || dispute === null || round === null || share === null) return null
    if (typeof court !== "string" || !isAddress(court) || typeof juror !== "string" || !isAddress(juror)) return null
    if (typeof salt !== "string" || !/^[0-9a-f]{64}$/.test(salt)) return null
    return { chain, court: getAddress(court), dispute, round, juror: getAddress(juror), share, salt }
  } catch {
    return null
  }
}
