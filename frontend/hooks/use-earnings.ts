"use client"

import { useQuery } from "@tanstack/react-query"
import type { Address, Hex } from "viem"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { useChain } from "@/hooks/use-chain"
import { everyItem, type DueRun } from "@/lib/api"
import { escrowAbi } from "@/generated/contracts"

/** So many runs are looked at most: a provider that has more of them open at once withdraws in several turns. */
export const MOST_DUE = 2000
const MOST_RUNS = 500 // in one transaction, which a block has room for
const EACH_MS = 10 // a run takes two questions to the node

/** Amounts are base units. */
export interface Earnings {
  /** How many runs are not paid out whole. */
  due: number
  withdrawable: bigint
  /** Reported and still in the window: it may be disputed. */
  pending: bigint
  /** What one transaction takes out. */
  refs: { jobId: Hex; attempt: number }[]
  /** Runs left for the next one. */
  later: number
}

/** What is ready to be withdrawn from a provider's runs: which they are the scheduler tells, how much the chain. */
export function useEarnings(address: Address | undefined) {
  const { api, config } = useMarket()
  const client = useChain()
  return useQuery({
    queryKey: ["earnings", address],
    enabled: address !== undefined && client !== undefined,
    ...useFollowing<Earnings>(address, { gapMs: (known) => 500 + EACH_MS * (known?.due ?? 0) }),
    queryFn: async ({ signal }): Promise<Earnings> => {
      if (!client || !address) throw new Error("There is no wallet.")
      const due = await everyItem<DueRun>(api, `/v1/due?provider=${address}`, MOST_DUE, signal)
      const escrow = { address: config.escrow, abi: escrowAbi } as const
      const runs = await Promise.all(
        due.map(async ({ job_id, attempt }) => {
          const jobId = job_id as Hex
          const args = [jobId, attempt, address] as const
          const [withdrawable, [earned, final]] = await Promise.all([
            client.readContract({ ...escrow, functionName: "withdrawableOf", args }),
            client.readContract({ ...escrow, functionName: "earnedOf", args }),
          ])
          return { jobId, attempt, withdrawable, pending: earned - final }
        }),
      )
      const ready = runs.filter((run) => run.withdrawable > 0n)
      const refs = ready.slice(0, MOST_RUNS).map(({ jobId, attempt }) => ({ jobId, attempt }))
      return {
        due: due.length,
        withdrawable: ready.reduce((sum, run) => sum + run.withdrawable, 0n),
        pending: runs.reduce((sum, run) => sum + run.pending, 0n),
        refs,
        later: ready.length - refs.length,
      }
    },
  })
}
