"use client"

import { keepPreviousData, useQuery } from "@tanstack/react-query"
import type { Address, Hex } from "viem"

import { useFollowing } from "@/hooks/news"
import { useChain, type Chain } from "@/hooks/use-chain"
import { useContracts } from "@/hooks/use-wallet"
import type { Case, Phase } from "@/lib/court"
import { courtAbi, courtPhases } from "@/generated/contracts"

type Contract = { address: Address; abi: typeof courtAbi }

/** The court's rules, and what a juror has in it. Tokens and fees are base units. */
export interface CourtFacts {
  court: Address
  staked: bigint
  locked: bigint
  fees: bigint
  seatStake: bigint
  penalty: number
  coherence: number
  /** Cases so far. */
  count: number
  /** The case that is drawn next; null when none waits. */
  draw: { id: number; isPossible: boolean } | null
  /** Unix seconds of the block that this was read at. */
  headAt: number
}

/** The court at this moment, in Unix seconds by the chain. */
export type Court = CourtFacts & { now: number }

/** The court, as it is at each block. */
export function useCourt(address: Address | undefined) {
  const contracts = useContracts().data
  const client = useChain()
  return useQuery({
    queryKey: ["court", address],
    enabled: address !== undefined && client !== undefined && contracts !== undefined,
    ...useFollowing<CourtFacts>("head"),
    queryFn: async (): Promise<CourtFacts> => {
      if (!client || !address || !contracts) throw new Error("There is no wallet.")
      const court: Contract = { address: contracts.court, abi: courtAbi }
      const [juror, fees, parameters, count, [drawId, drawBlock], head] = await Promise.all([
        client.readContract({ ...court, functionName: "jurors", args: [address] }),
        client.readContract({ ...court, functionName: "feesOf", args: [address] }),
        client.readContract({ ...court, functionName: "parameters" }),
        client.readContract({ ...court, functionName: "disputeCount" }),
        client.readContract({ ...court, functionName: "nextDraw" }),
        client.getBlock(),
      ])
      return {
        court: contracts.court,
        staked: juror.staked,
        locked: juror.locked,
        fees,
        seatStake: parameters.seatStake,
        penalty: Number(parameters.penalty),
        coherence: Number(parameters.coherence),
        count: Number(count),
        draw: drawId === 0n ? null : { id: Number(drawId), isPossible: head.number >= drawBlock },
        headAt: Number(head.timestamp),
      }
    },
  })
}

/** The newest so many cases. One that is over never changes, and is read once. */
export function useCases(address: Address | undefined, count: number, most: number) {
  const contracts = useContracts().data
  const client = useChain()
  return useQuery({
    queryKey: ["cases", address, count, most],
    enabled: address !== undefined && client !== undefined && contracts !== undefined,
    ...useFollowing<Case[]>("head"),
    placeholderData: keepPreviousData,
    queryFn: async ({ client: queries, queryKey }): Promise<Case[]> => {
      if (!client || !address || !contracts) throw new Error("There is no wallet.")
      const court: Contract = { address: contracts.court, abi: courtAbi }
      const known = queries.getQueryData<Case[]>(queryKey) ?? []
      const over = new Map(known.filter((one) => one.stored === "Executed").map((one) => [one.id, one]))
      const ids = Array.from({ length: Math.min(count, most) }, (_, index) => count - index)
      return Promise.all(ids.map(async (id) => over.get(id) ?? readCase(client, court, id, address)))
    },
  })
}

async function readCase(client: Chain, court: Contract, id: number, address: Address): Promise<Case> {
  const found = await client.readContract({ ...court, functionName: "disputes", args: [BigInt(id)] })
  const numbers = Array.from({ length: found.round }, (_, index) => BigInt(index + 1))
  const [round, panels, vote] = await Promise.all([
    client.readContract({ ...court, functionName: "rounds", args: [BigInt(id), BigInt(found.round)] }),
    Promise.all(
      numbers.map((number) => client.readContract({ ...court, functionName: "panel", args: [BigInt(id), number] })),
    ),
    client.readContract({ ...court, functionName: "vote", args: [BigInt(id), BigInt(found.round), address] }),
  ])
  const isMe = (one: Address) => one.toLowerCase() === address.toLowerCase()
  return {
    id,
    arbitrable: found.arbitrable,
    number: found.round,
    stored: courtPhases[found.phase] as Phase,
    ruling: found.ruling,
    appealEndsAt: found.appealEndsAt,
    round,
    seats: [...(panels.at(-1) ?? [])],
    mine: vote.seated ? { commitment: vote.commitment as Hex, revealed: vote.revealed, share: vote.share } : null,
    wasSeated: panels.some((seats) => seats.some((seat) => isMe(seat.juror))),
  }
}
